# What a request costs, for --budget tokens=...: the prompt, at four characters
# a token, and the longest answer it allows.
.cost.tokens = .body.max_tokens
  + ([.body.messages[].content | length] | add / 4 | ceil)
