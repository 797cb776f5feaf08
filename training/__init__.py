"""Question sets come in; the weights of the reader, their settings and their calibration go out."""
