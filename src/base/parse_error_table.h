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

PARSE(PARSE_CRASHED, "worker_crashed", "the parser died")
PARSE(PARSE_TIMEOUT, "worker_timeout", "not parsed within --worker-time")
PARSE(PARSE_OOM, "worker_oom", "the parser needed more than --worker-mem")
PARSE(PARSE_SANDBOX, "worker_sandbox", "the parser did what it must not")
PARSE(PARSE_PROTOCOL, "worker_protocol", "the parser's answer was no answer")
PARSE(PARSE_UNAVAILABLE, "worker_unavailable", "no parser could be started")
PARSE(PARSE_FAILED, "parse_failed", "the parser could make nothing of it")
PARSE(PARSE_SKIPPED, "parse_skipped", "empty, or not of a type that is parsed")
PARSE(PARSE_TOO_LARGE, "parse_too_large", "too large to be parsed")
