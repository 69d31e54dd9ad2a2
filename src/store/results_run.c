/* SPDX-License-Identifier: ISC */
/*
 * The state of a run as that of a journal. A piece is a journal in memory with
 * one snapshot, which has neither open items (they are in fetchd_open) nor the
 * governor (a piece of its own, as it changes rarely).
 */
#include <string.h>

#include "store/journal_int.h"
#include "store/results.h"

void
results_encode_run(struct buf *to, const struct journal_state *s)
{
	struct journal_state run = *s;
	size_t at;

	run.progress = progress_new();
	run.governor = (struct buf){ 0 };
	journal_put_head(to, JOURNAL_VERSION);
	at = to->n;
	journal_encode_snapshot(to, &run, NULL, 0, NULL, 0);
	journal_seal(to->p + at, 1, 0);
	progress_free(run.progress);
}

int
results_read_run(struct results *r, struct journal_state *s, struct buf *why)
{
	struct span run, governor;
	struct results_state st;
	size_t valid_bytes;
	struct progress *open = progress_new();
	int found = results_read_state(r, &st, open, why);

	run = st.piece[RESULTS_RUN];
	governor = st.piece[RESULTS_GOVERNOR];
	if (found == 1 && run.p == NULL)
		found = 0; /* by a version that could not be resumed */
	if (found == 1 &&
	    journal_parse(run, s, why, &valid_bytes) != JOURNAL_OK)
		found = -1;
	if (found == 1 && governor.n > JOURNAL_GOVERNOR_MAX) {
		buf_str(why, "the state of its run is damaged");
		found = -1;
	}
	if (found != 1) {
		progress_free(open);
		return found;
	}
	progress_free(s->progress);
	s->progress = open;
	s->is_finished = st.is_finished != 0;
	s->governor.n = 0;
	buf_span(&s->governor, governor);
	s->encoded_last = progress_last(open);
	return 1;
}
