/* SPDX-License-Identifier: ISC */
/* Retry-After (RFC 9110 section 10.2.3). */
#ifndef CODEC_HTTP_RETRY_AFTER_H
#define CODEC_HTTP_RETRY_AFTER_H

#include <stdint.h>

#include "base/span.h"

int64_t http_retry_after_us(struct span value, int64_t wall_us);

#endif
