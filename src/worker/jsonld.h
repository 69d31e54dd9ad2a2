/* SPDX-License-Identifier: ISC */
/* Extracts the JSON-LD of a page (JSON-LD 1.1 section 7). */
#ifndef WORKER_JSONLD_H
#define WORKER_JSONLD_H

#include "base/buf.h"
#include "codec/json/json.h"
#include "worker/answer.h"
#include "worker/doc.h"

/*
 * A list of the values of all <script type="application/ld+json">, each on one
 * line. Invalid JSON (json_read_answer) is left out.
 */
void jsonld_write(const struct doc *d, struct buf *scratch, struct answer *a);

#endif
