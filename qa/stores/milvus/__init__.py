"""Generations of the index in a Milvus: ``upload`` puts them there, ``corpus`` reads them.

The only user of pymilvus. The local generation stays the source: what is here can be made again from it.
Every passage carries with it what its ranking needs, so that the arithmetic is the local one's, over the same
numbers.
"""
