"""Generations of the index in a Milvus: ``upload`` puts them there, ``corpus`` reads them.

This is the only user of pymilvus. The local generation stays the source, from which everything in the Milvus
can be made again. Every passage there carries what its ranking needs, so the arithmetic is the same as on
this machine, over the same numbers.
"""
