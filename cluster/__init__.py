"""From sources to a library that several machines make and answer for, by Ray; the same questions, the same answers.

    sources ─► blocks.py ─► a block is read and embedded by one node: shards.py ─► a folder of shards, and their list
                            build.py sends the blocks out
    question ─► asking.py asks every shard in two rounds and merges ─► what one library would find
                serve.py holds the shards in actors

Ray is imported by ray_nodes.py, build.py and serve.py only, when they are called.
"""
