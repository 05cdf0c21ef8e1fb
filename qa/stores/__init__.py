"""Where generations are published and read from: this machine or a Milvus."""
