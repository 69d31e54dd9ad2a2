/* SPDX-License-Identifier: ISC */
/*
 * The table of the codes of `parse.error`. Codes are added, never renamed or
 * removed. They do not affect `error` or the exit status.
 *
 * PARSE(id, "code", "text")
 */
#ifndef PARSE
#error "define PARSE before including base/parse_error_table.h"
#endif

PARSE(PARSE_CRASHED, "worker_crashed", "the parser process died")
PARSE(PARSE_TIMEOUT, "worker_timeout", "not parsed within --worker-time")
PARSE(PARSE_OOM, "worker_oom", "the parser needed more than --worker-mem")
PARSE(PARSE_SANDBOX, "worker_sandbox", "the parser broke a sandbox rule")
PARSE(PARSE_PROTOCOL, "worker_protocol", "the parser sent a malformed answer")
PARSE(PARSE_UNAVAILABLE, "worker_unavailable", "no parser could be started")
PARSE(PARSE_FAILED, "parse_failed", "the document could not be parsed")
PARSE(PARSE_SKIPPED, "parse_skipped", "empty, or of a type that is not parsed")
PARSE(PARSE_TOO_LARGE, "parse_too_large", "too large to parse")
