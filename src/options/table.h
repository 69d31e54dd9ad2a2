/* SPDX-License-Identifier: ISC */
/*
 * The table of all options: argv parsing, --help, the man page and the tests
 * are generated from it.
 *
 * OPT(id, "name", letter, type, "default", min, max, group, "METAVAR",
 *     "help", "more")
 *   id       name with '_' for '-'; the stem of the field in struct opts
 *   letter   the short option, 0 for none
 *   type     BOOL INT SIZE DUR RATE STR LIST ENUM PATH
 *   default  as a user would write it; "" if there is none
 *   min, max in the field's unit (DUR: microseconds, SIZE: bytes); BOOL: max
 *            0 means that there is no --no-NAME
 *   METAVAR  for an ENUM: its choices, separated by '|', in the order of its
 *            enum
 *   help     for --help and the man page; the default is appended
 *   more     for the man page only
 */
#ifndef OPT
#error "define OPT before including options/table.h"
#endif

OPT(input_file, "input-file", 'i', LIST, "", 0, 0, INPUT, "FILE",
    "read items from FILE (- is standard input); repeatable",
    "FILE is never interpreted as a URL. Files and operands are read one after "
    "another, in the order given. A list that is compressed with gzip or zstd "
    "is decompressed, whatever its name, also from standard input and FIFOs. "
    "If it is damaged or cut short, the items before that are fetched, and the "
    "exit status is 3.")
OPT(url, "url", 0, LIST, "", 0, 0, INPUT, "URL",
    "fetch URL, as an operand does; repeatable",
    "URL is never interpreted as a file and may be a bare host name.")
OPT(follow, "follow", 0, BOOL, "off", 0, 1, INPUT, "",
    "keep reading the last input after its end",
    "A FIFO waits for its next writer, so mkfifo q; fetchd --follow q is a "
    "queue for many writers; a file waits for appended lines. The run ends at "
    "the first INT or TERM, or when the file is removed. Unnamed pipes, "
    "sockets and terminals end as without the option. A compressed input "
    "cannot be followed.")
OPT(failed_input, "failed-input", 0, PATH, "", 0, 0, INPUT, "FILE",
    "write the input lines of failed items to FILE",
    "An item has failed if its record has an error. Lines are written "
    "unchanged, as items finish, and can be the input of another run. FILE is "
    "created with mode 0600, as lines may contain secrets; it may be - if -o "
    "names a file. Lines that exceed the length limit are not written.")
OPT(limit, "limit", 0, INT, "", 0, INT64_MAX, INPUT, "N",
    "stop after the first N items", "0 fetches nothing.")
OPT(base_url, "base-url", 0, STR, "", 0, 0, INPUT, "URL",
    "resolve relative references in the input against URL",
    "A line such as /v1/x or x?y, and such a url in a JSON line, is then a "
    "relative reference and not a host name.")

OPT(request, "request", 'X', STR, "", 0, 0, REQUEST, "METHOD",
    "request method (default GET, or POST with a body)", "")
OPT(header, "header", 'H', LIST, "", 0, 0, REQUEST, "NAME:VALUE|@FILE",
    "send this header; NAME: removes one; @FILE reads one per line; repeatable",
    "It replaces a default header of the same name, and is replaced by a "
    "header of the item. Headers that frame the message are rejected.")
OPT(data, "data", 'd', LIST, "", 0, 0, REQUEST, "DATA|@FILE",
    "send DATA as the request body; repeatable, joined by &",
    "The method becomes POST unless given, the content type "
    "application/x-www-form-urlencoded. A file is sent unchanged, newlines "
    "included.")
OPT(data_binary, "data-binary", 0, LIST, "", 0, 0, REQUEST, "DATA|@FILE",
    "the same as --data",
    "Unlike in curl, --data does not strip newlines either. Values of both are "
    "joined.")
OPT(data_raw, "data-raw", 0, LIST, "", 0, 0, REQUEST, "DATA",
    "the same as --data, but @ has no special meaning", "")
OPT(json_data, "json-data", 0, STR, "", 0, 0, REQUEST, "DATA|@FILE",
    "send DATA as an application/json request body",
    "It cannot be combined with --data, --data-raw or --form.")
OPT(form, "form", 'F', LIST, "", 0, 0, REQUEST, "NAME=VALUE|NAME=@FILE",
    "send a multipart/form-data form; repeatable",
    "As in curl: NAME=@FILE uploads a file, NAME=<FILE reads the value from a "
    "file; ;type=TYPE and ;filename=NAME may follow. Put a value that contains "
    "a semicolon in double quotes. A regular file of any size is read while it "
    "is sent, for each request again; anything else is read once, at the "
    "start.")
OPT(head, "head", 'I', BOOL, "off", 0, 1, REQUEST, "",
    "request the headers only (method HEAD)", "")
OPT(user_agent, "user-agent", 'A', STR, "fetchd/" FETCHD_VERSION, 0, 0, REQUEST,
    "TEXT", "User-Agent header to send", "")
OPT(user, "user", 'u', STR, "", 0, 0, REQUEST, "NAME:PASSWORD|@FILE",
    "basic authentication; @FILE keeps it out of the process list",
    "A newline at the end of the file is removed.")
OPT(oauth2_bearer, "oauth2-bearer", 0, STR, "", 0, 0, REQUEST, "TOKEN|@FILE",
    "send Authorization: Bearer TOKEN",
    "A newline at the end of the file is removed. As with -u, it is sent to "
    "the origins of the items only. It cannot be combined with -u.")
OPT(cookie, "cookie", 'b', STR, "", 0, 0, REQUEST, "TEXT",
    "Cookie header to send", "")
OPT(referer, "referer", 'e', STR, "", 0, 0, REQUEST, "URL",
    "Referer header to send", "")
OPT(compressed, "compressed", 0, BOOL, "on", 0, 1, REQUEST, "",
    "do not request compressed bodies and do not decode them",
    "By default gzip, deflate, br and zstd are requested and decoded.")

OPT(concurrency, "concurrency", 'c', INT, "64", 1, OPT_NUM_MAX, RUN, "N",
    "maximum number of transfers in flight", "")
OPT(max_per_host, "max-per-host", 0, INT, "6", 0, OPT_NUM_MAX, RUN, "N",
    "maximum transfers per origin; no limit if only -c is given",
    "An origin is a scheme, a host name and a port. 0 means no limit.")
OPT(max_idle, "max-idle", 0, INT, "64", 0, OPT_NUM_MAX, RUN, "N",
    "maximum idle connections kept open; -c if that is larger",
    "They are closed after 60 s, or 1 s before the server's Keep-Alive "
    "timeout. 0 keeps none.")
OPT(max_buffer, "max-buffer", 0, SIZE, "256M", 0, OPT_SIZE_MAX, RUN, "SIZE",
    "maximum memory for data from peers and input lists",
    "It covers input lines, bodies, header sections, decoders, redirects of "
    "waiting items and unwritten output. Above it no request starts and one "
    "transfer continues at a time; one item may exceed it by its "
    "--max-filesize. --max-time is suspended while an item is paused for "
    "memory, for at most the same time again. 0 means no limit.")
OPT(max_spill, "max-spill", 0, SIZE, "4G", 0, OPT_SIZE_MAX, RUN, "SIZE",
    "maximum disk space for records held by --keep-order",
    "When it is used up, or the disk is full, only the item that is next in "
    "order continues. 0 means no limit.")
OPT(rate, "rate", 0, RATE, "", 0, 0, PACE, "RATE",
    "maximum rate of requests, over all origins",
    "Redirects, retries and resent requests count as well. 0 means no limit.")
OPT(rate_per_host, "rate-per-host", 0, RATE, "", 0, 0, PACE, "RATE",
    "maximum rate of requests to each origin", "0 means no limit.")
OPT(delay, "delay", 0, DUR, "0", 0, OPT_DUR_MAX, PACE, "TIME",
    "minimum time between two requests to one origin", "")
OPT(budget, "budget", 0, LIST, "", 0, 0, PACE, "NAME=RATE",
    "maximum cost of requests per unit of time; repeatable",
    "The cost of an item is given in its JSON line, as \"cost\": {\"NAME\": "
    "812}. The limit holds for any window of the length of the unit. An item "
    "that costs more than the whole budget runs alone. At most 16 budgets.")
OPT(rate_headers, "rate-headers", 0, BOOL, "off", 0, 1, PACE, "",
    "obey the rate limits announced in responses",
    "The headers RateLimit-* and x-ratelimit-* limit the origin that sent "
    "them.")
OPT(max_run_time, "max-run-time", 0, DUR, "0", 0, OPT_DUR_MAX, PACE, "TIME",
    "stop after this time; interrupt items in flight",
    "Items that wait for a retry are interrupted as well; items that had not "
    "started have no record. The exit status is 124.")

OPT(retry, "retry", 0, INT, "2", 0, OPT_RETRY_MAX, RETRY, "N",
    "retry a failed item at most N times",
    "0 also turns off waiting for an origin that requests it (status 429, or "
    "503 or 529 with Retry-After; such waits do not count as retries) and for "
    "one that is unreachable.")
OPT(retry_delay, "retry-delay", 0, DUR, "1s", 0, OPT_DUR_MAX, RETRY, "TIME",
    "wait before the first retry; doubled each time, up to 1m",
    "A random part of up to half of it is added or subtracted.")
OPT(retry_on, "retry-on", 0, STR, "408,425,429,500,502,503,504,529,errors", 0,
    0, RETRY, "LIST", "statuses and error codes that are retried",
    "A status may be a class (5xx) or a range (500-504); errors means all "
    "codes marked as such under ERROR CODES. A status that is not in the list "
    "is never retried.")
OPT(retry_post, "retry-post", 0, BOOL, "off", 0, 1, RETRY, "",
    "also retry methods that are not idempotent, such as POST",
    "Otherwise such a request is retried only if none of its bytes were sent, "
    "or if it has an Idempotency-Key header.")
OPT(retry_max_time, "retry-max-time", 0, DUR, "15m", 0, OPT_DUR_MAX, RETRY,
    "TIME", "time from the first attempt after which an item is not retried",
    "An item that could not start for so long for lack of file descriptors or "
    "ports ends as resource_limit. 0 means no limit.")
OPT(retry_after_max, "retry-after-max", 0, DUR, "10m", 0, OPT_DUR_MAX, RETRY,
    "TIME", "longest wait that an origin may request",
    "If it requests more, its waiting items end as host_unavailable. 0 means "
    "no limit.")
OPT(max_host_errors, "max-host-errors", 0, INT, "0", 0, OPT_NUM_MAX, RETRY, "N",
    "give up an origin after N failed items in a row",
    "Any kind of failure counts. Its waiting items then end as "
    "host_unavailable. 0 means never.")
OPT(host_dead_after, "host-dead-after", 0, DUR, "5m", 0, OPT_DUR_MAX, RETRY,
    "TIME", "give up an origin after this time without a connection",
    "Its waiting items then end as host_unavailable. An origin that has not "
    "answered in this run is given up as soon as one item has used up its "
    "--retry, after 30s at the latest unless this option is given. 0 means "
    "never.")
OPT(learn_rate, "learn-rate", 0, BOOL, "on", 0, 1, RETRY, "",
    "do not slow down for an origin that returns 429",
    "By default fetchd learns the rate of such an origin: nine tenths of what "
    "it served in the seconds before the 429, increased slowly while it "
    "returns no other.")
OPT(net_down, "net-down", 0, ENUM, "wait", 0, 0, RETRY, "wait|fail",
    "what to do while the network is down",
    "wait: once any request has worked, nothing starts and nothing fails until "
    "the network is back. fail: items fail as usual.")

OPT(dns_timeout, "dns-timeout", 0, DUR, "5s", 0, OPT_DUR_MAX, LIMITS, "TIME",
    "timeout for the DNS look-up", "")
OPT(connect_timeout, "connect-timeout", 0, DUR, "10s", 0, OPT_DUR_MAX, LIMITS,
    "TIME", "timeout for connecting, over all addresses", "")
OPT(tls_timeout, "tls-timeout", 0, DUR, "10s", 0, OPT_DUR_MAX, LIMITS, "TIME",
    "timeout for the TLS handshake", "")
OPT(ttfb_timeout, "ttfb-timeout", 0, DUR, "0", 0, OPT_DUR_MAX, LIMITS, "TIME",
    "timeout from the request to the first response byte",
    "5m if --max-time is 0.")
OPT(idle_timeout, "idle-timeout", 0, DUR, "30s", 0, OPT_DUR_MAX, LIMITS, "TIME",
    "timeout without data while sending or receiving", "")
OPT(speed_limit, "speed-limit", 0, SIZE, "0", 0, OPT_SIZE_MAX, LIMITS, "SIZE",
    "fail if slower than SIZE per second for --speed-time",
    "100 if --max-time is 0 or --speed-time is given.")
OPT(speed_time, "speed-time", 0, DUR, "30s", 0, OPT_DUR_MAX, LIMITS, "TIME",
    "time over which --speed-limit is measured", "0 turns --speed-limit off.")
OPT(max_time, "max-time", 'm', DUR, "60s", 0, OPT_DUR_MAX, LIMITS, "TIME",
    "timeout for one attempt; waiting does not count",
    "Off with --output-dir, unless --body is given.")
OPT(max_filesize, "max-filesize", 0, SIZE, "16M", 0, OPT_SIZE_MAX, LIMITS,
    "SIZE", "maximum body size, encoded and decoded",
    "1T with --output-dir, unless --body is given.")
OPT(max_header_size, "max-header-size", 0, SIZE, "256k", 0, OPT_HEADER_MAX,
    LIMITS, "SIZE", "maximum size of the response headers",
    "A single field may use all of it; interim responses and trailers are "
    "included. A chain of redirects may send 4 times as much, or 1M if that is "
    "more. 0 means 64M.")
OPT(max_ratio, "max-ratio", 0, INT, "1000", 0, 1000000000, LIMITS, "N",
    "maximum ratio of decoded to encoded body bytes",
    "It applies after the first MiB of decoded bytes.")

OPT(location, "location", 'L', BOOL, "off", 0, 1, REDIRECT, "",
    "follow redirects of every method; --no-location follows none",
    "By default redirects of GET and HEAD are followed.")
OPT(max_redirs, "max-redirs", 0, INT, "10", 0, OPT_NUM_MAX, REDIRECT, "N",
    "maximum number of redirects per attempt",
    "With 0 the first redirect is an error.")
OPT(proto_redir, "proto-redir", 0, STR, "http,https", 0, 0, REDIRECT, "LIST",
    "schemes that a redirect may use", "")
OPT(location_trusted, "location-trusted", 0, BOOL, "off", 0, 1, REDIRECT, "",
    "send credentials to every host that a redirect leads to",
    "Credentials are -u, the user name and password in a URL, Authorization "
    "and Cookie. By default they are sent only to the origin they were given "
    "for.")

OPT(insecure, "insecure", 'k', BOOL, "off", 0, 1, TLS, "",
    "do not verify certificates", "Records then have \"tls_verified\": false.")
OPT(cacert, "cacert", 0, PATH, "", 0, 0, TLS, "FILE",
    "trust the authorities in FILE (PEM), not those of the system", "")

OPT(ipv4, "ipv4", '4', BOOL, "off", 0, 1, NETWORK, "", "use IPv4 only", "")
OPT(ipv6, "ipv6", '6', BOOL, "off", 0, 1, NETWORK, "", "use IPv6 only", "")
OPT(resolve, "resolve", 0, LIST, "", 0, 0, NETWORK, "HOST:PORT:ADDR",
    "use ADDR for HOST and PORT; HOST may be *; repeatable",
    "ADDR may be a comma-separated list. Put an IPv6 address in brackets.")
OPT(dns_servers, "dns-servers", 0, STR, "", 0, 0, NETWORK, "ADDR[#PORT],...",
    "use these name servers, not those of the system",
    "Put an IPv6 address with a port in brackets. The search list of "
    "resolv.conf still applies: a name that does not exist and has fewer dots "
    "than its ndots is tried in these domains.")
OPT(interface, "interface", 0, STR, "", 0, 0, NETWORK, "ADDR",
    "connect from this local address or device",
    "With an address, peers of the other address family are unreachable.")

OPT(output, "output", 'o', PATH, "-", 0, 0, OUTPUT, "FILE",
    "write the results to FILE (- is standard output)",
    "An existing file is replaced after options and inputs have been checked; "
    "after an error there it is unchanged. It must not be one of the inputs, "
    "nor be written by another fetchd. A name that ends in .gz or .zst is "
    "compressed, in pieces that are complete files each: at the latest after "
    "256 KiB or a second a piece is written, so that a file that is still "
    "being written, or was cut by a crash, can be read to its last piece. A "
    "name that ends in .db, .sqlite or .sqlite3, or sqlite:FILE, is an SQLite "
    "database (see DATABASE); one that has results is never replaced without "
    "--overwrite.")
OPT(append, "append", 0, BOOL, "off", 0, 1, OUTPUT, "",
    "add to the output file instead of replacing it",
    "An incomplete last line is ended first. A compressed file gets further "
    "pieces; it must be whole. With --rotate a new file is begun after the "
    "one with the highest number.")
OPT(rotate, "rotate", 0, SIZE, "0", 0, OPT_SIZE_MAX, OUTPUT, "SIZE",
    "write a series of files of at most SIZE each",
    "-o out.jsonl writes out.1.jsonl, out.2.jsonl and so on, -o out.jsonl.gz "
    "out.1.jsonl.gz. No record is split, and no file is ever renamed. A file "
    "is larger than SIZE only if its last record alone is larger than SIZE or "
    "than 1 MiB. Of compressed files the compressed size counts, and they may "
    "be up to a quarter smaller. Without --append and --resume a new run "
    "replaces the series once it has begun: out.1.jsonl and the files that "
    "follow it without a gap are removed. Any other file is kept: if one is in "
    "the way, the run ends with exit status 3. FILE must be a regular file. 0 "
    "writes one file.")
OPT(json, "json", 'j', BOOL, "off", 0, 1, OUTPUT, "",
    "the same as --format jsonl", "")
OPT(format, "format", 0, ENUM, "auto", 0, 0, OUTPUT,
    "auto|jsonl|text|body|csv|tsv",
    "JSON records, short lines, decoded bodies only, or a table",
    "auto is csv or tsv if -o names a file *.csv or *.tsv; otherwise it is "
    "text on a terminal and jsonl elsewhere; with --stream or extraction it is "
    "always jsonl. The columns of csv and tsv are those of --fields, see "
    "TABLES.")
OPT(fields, "fields", 0, STR, "", 0, 0, OUTPUT, "LIST",
    "write only these keys of the record, in this order",
    "A path with dots selects a part of an object, or by number an element of "
    "a list: extract.title, header.content-type.0, body_json.user.name. The "
    "whole path becomes the key; a missing part is null. A key that depends on "
    "another option needs that option.")
OPT(body, "body", 0, ENUM, "inline", 0, 0, OUTPUT, "inline|none|base64|json",
    "how the body is written in the record",
    "inline is text if it is valid UTF-8, base64 otherwise. json is inline, "
    "but a JSON body becomes the value of body_json, unchanged except that "
    "line ends between its tokens become blanks; the data of an event becomes "
    "data_json. JSON nested deeper than 512 levels remains text.")
OPT(include_headers, "include-headers", 0, BOOL, "off", 0, 1, OUTPUT, "",
    "add the response headers to the record", "")
OPT(stream, "stream", 0, BOOL, "off", 0, 1, OUTPUT, "",
    "write each event or piece of a response as it arrives",
    "The record follows at the end, without the body. It cannot be combined "
    "with --only-failed, --only-ok, --format text or --format body.")
OPT(include_attempts, "include-attempts", 0, BOOL, "off", 0, 1, OUTPUT, "",
    "add every request of the item to the record", "")
OPT(keep_order, "keep-order", 0, BOOL, "off", 0, 1, OUTPUT, "",
    "write results in the order of the input", "")
OPT(only_failed, "only-failed", 0, BOOL, "off", 0, 1, OUTPUT, "",
    "write only the records of failed items", "")
OPT(only_ok, "only-ok", 0, BOOL, "off", 0, 1, OUTPUT, "",
    "write only the records of successful items", "")

OPT(output_dir, "output-dir", 'O', PATH, "", 0, 0, FILES, "DIR",
    "write each body to a file in DIR",
    "The record has the file's name relative to DIR in body_file and the "
    "SHA-256 of the decoded body in sha256; the body itself is in the record "
    "only if --body is given. Otherwise it is never in memory as a whole: "
    "--max-filesize is then 1T and --max-time off, unless given. A file has "
    "its name only once it is complete, and mode 0600. A name that exists "
    "gets the item's seq (page-17.html). Symbolic links below DIR are not "
    "followed. The key output of a JSON line names the file of that item, and "
    "sha256 the digest that its body must have. See FILES OF BODIES.")
OPT(output_name, "output-name", 0, STR, "{host}/{path}{ext}", 0, 0, FILES,
    "TEMPLATE", "how files in --output-dir are named",
    "The words are {host}; {path}, with the query; {ext}, the extension of the "
    "path or one for the content type; {seq}; {seq/N}, divided by N; {id}; "
    "{sha256}; {sha256:N}, its first N digits. {seq/1000}/{path}{ext} puts a "
    "thousand files into a directory. Names are in lower case, have no "
    "characters that some system does not allow, and at most 200 bytes.")
OPT(overwrite, "overwrite", 0, BOOL, "off", 0, 1, FILES, "",
    "replace existing files",
    "Of two items of a run with the same name none replaces the other.")
OPT(keep_partial, "keep-partial", 0, BOOL, "off", 0, 1, FILES, "",
    "keep the files of failed transfers as NAME.part",
    "They are never continued. Their records have complete false, and no "
    "sha256.")
OPT(journal, "journal", 0, PATH, "", 0, 0, FILES, "FILE",
    "record in FILE which items are done, for --resume",
    "With --resume the default is the name of the output and .journal. FILE "
    "stays small (about 1 MiB), whatever the number of items. It must not "
    "exist "
    "unless --resume is given. See RESUMING.")
OPT(resume, "resume", 0, BOOL, "off", 0, 1, FILES, "",
    "continue the run that was interrupted, or begin one that can be resumed",
    "The first run with it starts a journal; the next one, with the same "
    "inputs "
    "and options, fetches what is left. A finished run says so. The counts and "
    "the exit status are those of the whole run. See RESUMING.")
OPT(retry_failed, "retry-failed", 0, BOOL, "off", 0, 1, FILES, "",
    "with --resume: also fetch the items again whose record has an error",
    "Only these are requested. Their old records are removed when the run is "
    "finished.")
OPT(resume_force, "resume-force", 0, BOOL, "off", 0, 1, FILES, "",
    "resume although the input or the options have changed",
    "Items are then identified by their numbers only.")
OPT(spool, "spool", 0, BOOL, "on", 0, 1, FILES, "",
    "do not keep a copy of standard input beside the journal",
    "By default standard input is copied to JOURNAL.spool (or DATABASE.spool) "
    "as it arrives, and a "
    "resumed run reads it from there. Without the copy, a resumed run needs "
    "the "
    "same input again.")
OPT(journal_salvage, "journal-salvage", 0, BOOL, "off", 0, 1, FILES, "",
    "resume from what a damaged journal still says",
    "The damaged file is kept as JOURNAL.damaged.")
OPT(fsync, "fsync", 0, ENUM, "batch", 0, 0, FILES, "none|batch|record",
    "when results are forced to the disk",
    "batch: at least every second and every 256 items; record: as soon as they "
    "are written; none: when the system does it. The default is none without a "
    "journal. A killed process loses nothing in any mode; after a power loss, "
    "none may be unable to resume.")
OPT(verify, "verify", 0, PATH, "", 0, 0, FILES, "FILE",
    "compare the results in FILE with the input, and fetch nothing",
    "FILE is what -o wrote, in any format with the keys seq and error, "
    "compressed or not, a database, or the name of a rotated series; give the "
    "same inputs and --limit as for the run. See VERIFICATION.")
OPT(csv_safe, "csv-safe", 0, BOOL, "off", 0, 1, FILES, "",
    "write a ' before cells that a spreadsheet would evaluate",
    "For --format csv and tsv. Titles, addresses and error messages are text "
    "of strangers: a title of =HYPERLINK(...) becomes a formula when the file "
    "is opened in a spreadsheet. The ' is before every text that begins with "
    "=, +, -, @, their full-width forms, a tab or a line end, also behind "
    "blanks, except for numbers such as -5. It becomes part of the value, so "
    "do not use the option for files that other programs read.")

OPT(extract, "extract", 0, LIST, "", 0, 0, EXTRACT, "LIST",
    "extract these from pages: title, links, text, meta, jsonld",
    "The values are in the record under extract. Pages are HTML and XML, "
    "including feeds and sitemaps, by their content type.")
OPT(css, "css", 0, LIST, "", 0, 0, EXTRACT, "NAME=SELECTOR",
    "extract what a CSS selector matches as NAME; repeatable",
    "As in Scrapy, ::text and ::attr(NAME) select text and attributes. The "
    "result is a list of strings.")
OPT(xpath, "xpath", 0, LIST, "", 0, 0, EXTRACT, "NAME=EXPRESSION",
    "extract what an XPath expression matches as NAME; repeatable",
    "XPath 1.0. The result is a list of strings.")
OPT(regex, "regex", 0, LIST, "", 0, 0, EXTRACT, "NAME[@text]=REGEX",
    "extract what a regular expression matches as NAME; repeatable",
    "Perl-compatible expressions, applied to the source of the page or, with "
    "@text, to its text. With groups, the result is what the groups captured. "
    "Other text (text/*, JSON) is searched as well.")
OPT(exec, "exec", 0, STR, "", 0, 0, EXTRACT, "COMMAND",
    "parse with COMMAND: a record in, a line of JSON out",
    "fetchd starts --workers copies. Each reads records, with the body, from "
    "standard input and writes one line of JSON for each to standard output, "
    "which becomes extract.exec. The command is split at blanks, except within "
    "quotes; no shell is used. It gets bodies of every content type.")
OPT(workers, "workers", 0, INT, "", 0, OPT_WORKERS_MAX, EXTRACT, "N",
    "number of parser processes (default: CPU cores minus one)",
    "At least 1 with --extract, --css, --xpath, --regex or --exec.")
OPT(worker_mem, "worker-mem", 0, SIZE, "512M", 0, OPT_SIZE_MAX, EXTRACT, "SIZE",
    "maximum address space of a parser process",
    "At least 64M. A body larger than an eighth of it is not parsed. 0 means "
    "no limit, which some --exec programs need.")
OPT(worker_time, "worker-time", 0, DUR, "10s", 0, OPT_DUR_MAX, EXTRACT, "TIME",
    "timeout for one document; its parser is then killed",
    "It is the only limit on selectors and XPath expressions, whose time can "
    "grow with the square of the page size. 0 means no limit.")
OPT(sandbox, "sandbox", 0, BOOL, "on", 0, 1, EXTRACT, "",
    "run parsers without the sandbox; for debugging only",
    "By default a parser cannot open files, use the network or start programs. "
    "A program given by --exec is not sandboxed.")

OPT(progress, "progress", 0, ENUM, "auto", 0, 0, WATCH, "auto|bar|none",
    "progress line on standard error",
    "auto shows it if standard error is a terminal and standard output is not "
    "a pipe.")
OPT(quiet, "quiet", 'q', BOOL, "off", 0, 1, WATCH, "",
    "no progress line, summary or warnings", "")
OPT(silent, "silent", 's', BOOL, "off", 0, 1, WATCH, "", "the same as --quiet",
    "")
OPT(verbose, "verbose", 'v', BOOL, "off", 0, 1, WATCH, "",
    "more messages on standard error; implies --summary", "")
OPT(summary, "summary", 0, BOOL, "off", 0, 1, WATCH, "",
    "write totals by status and error to standard error at the end",
    "It is the default if standard error is a terminal.")
OPT(stats, "stats", 0, BOOL, "off", 0, 1, WATCH, "",
    "write statistics as a JSON line to standard error at the end", "")
OPT(trace, "trace", 0, PATH, "", 0, 0, WATCH, "FILE",
    "write every event of the run to FILE (- is standard error)",
    "One line for each state change of an item and each event of connections, "
    "look-ups, origins and parsers, with the time in microseconds since the "
    "start. Header values, user names, passwords and queries are omitted. FILE "
    "is replaced, has mode 0600 and must not be a symbolic link or a file of "
    "another user. If writing fails, there is one message and the run "
    "continues; lines for which the reader of a pipe is too slow are dropped "
    "and counted.")
OPT(color, "color", 0, ENUM, "auto", 0, 0, WATCH, "auto|always|never",
    "colours in --format text",
    "auto uses colours on a terminal, unless NO_COLOR is set or TERM is dumb.")
OPT(fail, "fail", 'f', BOOL, "off", 0, 1, WATCH, "",
    "treat a status of 400 or more as an error (http_status)", "")
OPT(grace, "grace", 0, DUR, "10s", 0, OPT_DUR_MAX, WATCH, "TIME",
    "time for transfers to finish after INT or TERM",
    "0 interrupts them immediately.")
OPT(version, "version", 'V', BOOL, "off", 0, 0, WATCH, "",
    "print the version and exit", "")
OPT(help, "help", 'h', BOOL, "off", 0, 0, WATCH, "", "print this help and exit",
    "")
