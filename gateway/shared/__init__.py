"""What the workers of one gateway know together: tables in memory that they share.

A table is made before the workers are forked. Each worker writes into a part of its own and reads
all of them, so that nobody waits for anybody, and what a worker that died had written is forgotten
with it.
"""
