/* SPDX-License-Identifier: ISC */
/*
 * Options of other programs (curl, wget, wget2, aria2, xargs, parallel, httpx,
 * aiohttp), each with the option of fetchd that does the same. A word that is
 * ambiguous names both.
 */
#include "options/options_int.h"

#define SPEAKS "only HTTP/1.1 is supported"
#define ALWAYS \
	"transfers always run in parallel; -c (--concurrency) sets how many"
#define TRIES "--retry sets the number of retries"
#define TIMES \
	"--max-time limits one attempt, --connect-timeout the connection, " \
	"--idle-timeout the time without data"
#define TRUST "-k (--insecure) does not verify certificates"
#define BAR \
	"--progress none hides the progress line, -q also the summary and " \
	"warnings"
#define SHOWN "--progress bar shows the progress line"
#define BODY "-d DATA or -d @FILE (--data) sets the request body"
#define LISTED "-i FILE (--input-file) reads the list"
#define WRITTEN "-o FILE (--output) sets the file for the results"
#define HEADED "--include-headers adds the response headers to the record"
#define FOLLOWED \
	"redirects of GET and HEAD are followed; -L (--location) for every " \
	"method, --no-location for none"
#define CREDENTIALS "-u NAME:PASSWORD (--user) or -u @FILE"
#define PACED "--rate and --rate-per-host take N/s, N/min or N/h"
#define PAUSED "--delay sets the time between two requests to one origin"
#define QUERY "write the query into the URL"
#define PER_ORIGIN "--max-per-host limits the transfers to one origin"

/* Long words without their dashes; letters without theirs. */
static const struct {
	const char *word, *text;
} words[] = {
	{ "Z", ALWAYS },
	{ "parallel", ALWAYS },
	{ "parallel-immediate", ALWAYS },
	{ "parallel-max", "-c (--concurrency)" },
	{ "parallel-max-host", PER_ORIGIN },
	{ "P", "-c (--concurrency) sets how many transfers run at a time" },
	{ "max-procs", "-c (--concurrency)" },
	{ "max-threads", "-c (--concurrency)" },
	{ "threads", "-c (--concurrency)" },
	{ "jobs", "-c (--concurrency)" },
	{ "parallelism", "-c (--concurrency)" },
	{ "num-threads", "-c (--concurrency)" },
	{ "num-workers", "-c (--concurrency) sets how many transfers run at a "
			 "time, --workers how many processes parse" },
	{ "max-workers", "-c (--concurrency) sets how many transfers run at a "
			 "time, --workers how many processes parse" },
	{ "in-flight", "-c (--concurrency)" },
	{ "inflight", "-c (--concurrency)" },
	{ "max-in-flight", "-c (--concurrency)" },
	{ "max-inflight", "-c (--concurrency)" },
	{ "connections", "-c (--concurrency)" },
	{ "max-connections", "-c (--concurrency)" },
	{ "max-concurrent-downloads", "-c (--concurrency)" },
	{ "concurrent", "-c (--concurrency)" },
	{ "max-concurrency", "-c (--concurrency)" },
	{ "max-concurrent", "-c (--concurrency)" },
	{ "max-connection-per-server", PER_ORIGIN },
	{ "max-connections-per-host", PER_ORIGIN },
	{ "limit-per-host", PER_ORIGIN },
	{ "per-host", PER_ORIGIN },

	{ "t", "--retry sets the number of retries, --max-time (-m) the "
	       "timeout of each attempt" },
	{ "tries", TRIES },
	{ "retries", TRIES },
	{ "max-tries", TRIES },
	{ "max-retries", TRIES },
	{ "retry-count", TRIES },
	{ "retry-wait", "--retry-delay" },
	{ "waitretry", "--retry-delay" },
	{ "retry-all-errors", "--retry-on lists what is retried" },
	{ "retry-connrefused", "--retry-on lists what is retried" },
	{ "retry-on-http-error", "--retry-on lists what is retried" },
	{ "timeout", TIMES },
	{ "read-timeout", "--idle-timeout" },
	{ "sock-read", "--idle-timeout" },
	{ "total-timeout", "--max-time" },
	{ "request-timeout", "--max-time" },
	{ "sock-connect", "--connect-timeout" },
	{ "conn-timeout", "--connect-timeout" },
	{ "max-size", "--max-filesize" },
	{ "max-body", "--max-filesize" },
	{ "max-body-size", "--max-filesize" },
	{ "max-response-size", "--max-filesize" },
	{ "max-headers", "--max-header-size" },
	{ "lowest-speed-limit", "--speed-limit" },
	{ "Y", "--speed-limit" },
	{ "y", "--speed-time" },
	{ "wait", PAUSED },
	{ "sleep", PAUSED },
	{ "rps", PACED },
	{ "rate-limit", PACED },
	{ "ratelimit", PACED },
	{ "requests-per-second", PACED },
	{ "throttle", PACED },
	{ "qps", PACED },

	{ "follow-redirects", FOLLOWED },
	{ "followredirects", FOLLOWED },
	{ "follow-host-redirects", FOLLOWED },
	{ "follow-redirect", FOLLOWED },
	{ "allow-redirects", FOLLOWED },
	{ "no-follow-redirects", "--no-location" },
	{ "no-redirect", "--no-location" },
	{ "no-redirects", "--no-location" },
	{ "max-redirect", "--max-redirs" },
	{ "max-redirects", "--max-redirs" },

	{ "w", "--fields selects keys of the record" },
	{ "write-out", "--fields selects keys of the record" },
	{ "D", HEADED },
	{ "dump-header", HEADED },
	{ "include", HEADED },
	{ "show-headers", HEADED },
	{ "save-headers", HEADED },
	{ "server-response", HEADED },
	{ "S",
	    "errors are always in the records and the summary, also with -s" },
	{ "show-error",
	    "errors are always in the records and the summary, also with -s" },
	{ "N", "each record is written as soon as it is complete; --stream "
	       "writes responses as they arrive" },
	{ "no-buffer", "each record is written as soon as it is complete; "
		       "--stream writes responses as they arrive" },
	{ "fail-with-body", "-f (--fail); the body is always in the record" },
	{ "fail-early", "-f (--fail) marks the item; no option ends the run at "
			"the first failure" },
	{ "raw", "--no-compressed" },
	{ "output-document", WRITTEN },
	{ "output-file", WRITTEN },
	{ "out", WRITTEN },
	{ "outfile", WRITTEN },
	{ "ndjson", "--format jsonl" },
	{ "jsonl", "--format jsonl" },
	{ "json-lines", "--format jsonl" },
	{ "jsonlines", "--format jsonl" },
	{ "json-output", "--format jsonl" },
	{ "output-format", "--format jsonl, csv, tsv, text or body" },
	{ "csv", "--format csv" },
	{ "tsv", "--format tsv" },
	{ "text", "--format text" },
	{ "ordered", "--keep-order" },
	{ "in-order", "--keep-order" },
	{ "preserve-order", "--keep-order" },
	{ "debug", "-v (--verbose)" },
	{ "selector", "--css NAME=SELECTOR" },
	{ "extract-links", "--extract links" },
	{ "input", LISTED },
	{ "list", LISTED },
	{ "urls", LISTED },
	{ "url-file", LISTED },
	{ "arg-file", LISTED },
	{ "l", LISTED },
	{ "a", LISTED },

	{ "method", "-X (--request)" },
	{ "G", QUERY },
	{ "get", QUERY },
	{ "url-query", QUERY },
	{ "params", QUERY },
	{ "data-urlencode", "pass the encoded value to --data-raw" },
	{ "data-ascii", BODY },
	{ "post-data", BODY },
	{ "body-data", BODY },
	{ "content", BODY },
	{ "post-file", "-d @FILE (--data)" },
	{ "body-file", "-d @FILE (--data)" },
	{ "T", "-X PUT with --data-binary @FILE, or \"body_file\" in a JSON "
	       "line, uploads a file; a timeout is --max-time" },
	{ "upload-file", "-X PUT with --data-binary @FILE, or \"body_file\" "
			 "in a JSON line" },
	{ "form-string", "-F NAME=VALUE (--form)" },
	{ "spider", "-I (--head)" },
	{ "r", "-H 'Range: bytes=0-99' (--header) requests a range" },
	{ "range", "-H 'Range: bytes=0-99' (--header) requests a range" },
	{ "bearer", "--oauth2-bearer" },
	{ "token", "--oauth2-bearer" },
	{ "auth", CREDENTIALS },
	{ "basic", CREDENTIALS },
	{ "http-user", CREDENTIALS },
	{ "http-password", CREDENTIALS },
	{ "http-passwd", CREDENTIALS },
	{ "password", CREDENTIALS },
	{ "load-cookies", "-b (--cookie) sends a Cookie header" },
	{ "agent", "-A (--user-agent)" },
	{ "compression", "--no-compressed turns off compression" },

	{ "check-certificate", TRUST },
	{ "no-check-certificate", TRUST },
	{ "no-verify", TRUST },
	{ "verify-ssl", TRUST },
	{ "no-ssl-verify", TRUST },
	{ "insecure-ssl", TRUST },
	{ "nameserver", "--dns-servers" },
	{ "nameservers", "--dns-servers" },
	{ "resolvers", "--dns-servers" },
	{ "no-verify-ssl", TRUST },
	{ "ca-certificate", "--cacert" },
	{ "ca-file", "--cacert" },
	{ "cafile", "--cacert" },
	{ "ca-bundle", "--cacert" },
	{ "ca-directory", "--cacert, or SSL_CERT_DIR in the environment" },
	{ "capath", "--cacert, or SSL_CERT_DIR in the environment" },
	{ "connect-to", "--resolve" },
	{ "bind-address", "--interface" },
	{ "local-address", "--interface" },
	{ "inet4-only", "-4 (--ipv4)" },
	{ "inet6-only", "-6 (--ipv6)" },
	{ "disable-ipv6", "-4 (--ipv4)" },
	{ "no-keepalive", "--max-idle 0" },
	{ "no-http-keep-alive", "--max-idle 0" },
	{ "http1.1", SPEAKS "; no option is needed" },
	{ "proto", "http and https are supported; no option is needed" },
	{ "globoff", "URLs are not expanded; no option is needed" },
	{ "g", "URLs are not expanded; no option is needed" },

	{ "no-progress", BAR },
	{ "no-progress-meter", BAR },
	{ "no-progress-bar", BAR },
	{ "hide-progress", BAR },
	{ "progress-bar", SHOWN },
	{ "show-progress", SHOWN },
	{ "bar", SHOWN },
	{ "eta", SHOWN },
	{ "#", SHOWN },
	{ "no-color", "--color never" },
	{ "no-colour", "--color never" },
	{ "colour", "--color" },
	{ "halt",
	    "a failure never ends the run; -f (--fail) sets the exit status" },
};

#define NWORDS (sizeof(words) / sizeof(words[0]))

const char *
opts_foreign(struct span word)
{
	struct span known;
	size_t i;

	for (i = 0; i < NWORDS; i++) {
		known = span_str(words[i].word);
		if (span_eq(word, known) ||
		    (word.n > 1 && span_ieq(word, known)))
			return words[i].text;
	}
	return NULL;
}

const char *
opts_foreign_word(size_t i)
{
	return i < NWORDS ? words[i].word : NULL;
}
