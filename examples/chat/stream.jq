# The same requests, asking for a stream.
.body.stream = true
