/* SPDX-License-Identifier: ISC */
/* How a journal is written: its lock, compaction, full disks, its size. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <time.h>

#include "store_journal_test.h"

static void
test_a_journal_in_use_is_locked(void **state)
{
	struct run r;
	struct buf why = { 0 };
	enum journal_verdict verdict;

	(void)state;
	run_paths(&r);
	r.j = journal_open(r.path, &verdict, &why);
	assert_non_null(r.j);
	assert_null(journal_open(r.path, &verdict, &why));
	assert_int_equal(verdict, JOURNAL_LOCKED);
	assert_true(why.n > 0);
	/* The new file of the start and that of a compaction are locked too. */
	assert_int_equal(journal_start(r.j, &r.s, 1, &why), 0);
	assert_null(journal_open(r.path, &verdict, &why));
	assert_int_equal(verdict, JOURNAL_LOCKED);
	assert_int_equal(run_compact(&r, (struct journal_batch){ 0 }), 0);
	assert_null(journal_open(r.path, &verdict, &why));
	assert_int_equal(verdict, JOURNAL_LOCKED);
	journal_close(r.j);
	r.j = journal_open(r.path, &verdict, &why);
	assert_non_null(r.j);
	buf_fini(&why);
	run_end(&r);
}

static void
test_a_journal_that_is_not_started_leaves_nothing(void **state)
{
	struct run r;
	struct buf why = { 0 }, bytes;
	enum journal_verdict verdict;

	(void)state;
	run_paths(&r);
	r.j = journal_open(r.path, &verdict, &why);
	assert_int_equal(access(r.path, F_OK), 0);
	journal_close(r.j);
	assert_int_equal(access(r.path, F_OK), -1);
	/* What was there stays as it was. */
	run_replace(r.path, SPAN("a list of URLs"));
	r.j = journal_open(r.path, &verdict, &why);
	assert_non_null(r.j);
	journal_close(r.j);
	r.j = NULL;
	bytes = run_bytes(r.path);
	assert_true(span_eq(buf_view(&bytes), SPAN("a list of URLs")));
	buf_fini(&bytes);
	run_end(&r);
}

static void
test_what_cannot_be_opened_is_refused(void **state)
{
	struct run r;
	struct buf why = { 0 };
	enum journal_verdict verdict;
	char path[128];

	(void)state;
	run_paths(&r);
	r.j = NULL;
	assert_null(journal_open(r.dir, &verdict, &why));
	assert_int_equal(verdict, JOURNAL_IO);
	assert_int_equal(mkfifo(r.path, 0600), 0);
	assert_null(journal_open(r.path, &verdict, &why));
	assert_int_equal(verdict, JOURNAL_IO);
	snprintf(path, sizeof(path), "%s/none/j", r.dir);
	why.n = 0;
	assert_null(journal_open(path, &verdict, &why));
	assert_int_equal(verdict, JOURNAL_IO);
	assert_int_equal(errno, ENOENT);
	buf_char(&why, '\0');
	assert_string_equal(why.p, "cannot open: No such file or directory");
	buf_fini(&why);
	run_end(&r);
}

static void
test_a_link_stays_a_link_and_the_file_is_private(void **state)
{
	struct run r;
	struct stat st;
	mode_t mask = umask(0);

	(void)state;
	run_paths(&r);
	run_replace(r.other, SPAN(""));
	assert_int_equal(chmod(r.other, 0644), 0);
	assert_int_equal(symlink(r.other, r.path), 0);
	run_open(&r, 0);
	assert_int_equal(lstat(r.path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(stat(r.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	umask(mask);
	run_end(&r);
}

/* A compaction that was interrupted has left it. */
static void
test_a_new_file_of_before_is_in_no_way(void **state)
{
	struct run r;
	char path[128];

	(void)state;
	run_paths(&r);
	snprintf(path, sizeof(path), "%s.new", r.path);
	run_replace(path, SPAN("half a snapshot"));
	run_open(&r, 0);
	assert_int_equal(access(path, F_OK), -1);
	run_end(&r);
}

/* On file systems that can, so that the last checkpoint of a run fits on a full
 * disk; it is given back at the end. */
static void
test_room_is_reserved(void **state)
{
	struct run r;
	struct stat st;
	int fd, can;

	(void)state;
	run_paths(&r);
	fd = open(r.other, O_RDWR | O_CREAT, 0600);
	can = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 4096) == 0;
	close(fd);
	run_open(&r, 0);
	assert_int_equal(stat(r.path, &st), 0);
	assert_true(st.st_size < 4096);
	if (can)
		assert_true((uint64_t)st.st_blocks * 512 >=
			    (uint64_t)st.st_size + JOURNAL_COMPACT_BYTES +
				JOURNAL_RESERVE_BYTES);
	journal_close(r.j);
	r.j = NULL;
	assert_int_equal(stat(r.path, &st), 0);
	assert_true(st.st_blocks * 512 <= 65536);
	run_end(&r);
}

/* ---- compaction -----------------------------------------------------------
 */

#define BEGINNERS 2
#define ROUNDS 30
#define BEGUN_A_ROUND 200

struct beginner {
	struct run *r;
	uint64_t first;
	uint64_t written; /* so many are in the file */
	pthread_barrier_t *round;
};

static void *
begin_items(void *arg)
{
	struct beginner *b = arg;
	uint64_t i;

	for (i = 0; i < ROUNDS * BEGUN_A_ROUND; i++) {
		if (i % BEGUN_A_ROUND == 0)
			pthread_barrier_wait(b->round);
		if (journal_begun(b->r->j, b->first + i) != 0)
			break;
		__atomic_store_n(&b->written, i + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Each item that a thread has begun so far is in the file that has the name. */
static void
check_begun(struct run *r, struct beginner *b)
{
	uint64_t written[BEGINNERS], i;
	struct journal_state s;
	struct buf why = { 0 };
	size_t n;

	for (n = 0; n < BEGINNERS; n++)
		written[n] = __atomic_load_n(&b[n].written, __ATOMIC_ACQUIRE);
	journal_state_init(&s);
	assert_int_equal(journal_read(r->path, &s, &why), JOURNAL_OK);
	for (n = 0; n < BEGINNERS; n++)
		for (i = 0; i < written[n]; i++)
			assert_true(
			    journal_state_was_begun(&s, b[n].first + i));
	journal_state_fini(&s);
}

static void
test_what_is_begun_during_a_compaction_is_not_lost(void **state)
{
	struct run r;
	struct beginner b[BEGINNERS];
	pthread_t threads[BEGINNERS];
	pthread_barrier_t round;
	uint64_t seq;
	size_t i;

	(void)state;
	run_begin(&r, 0);
	assert_int_equal(pthread_barrier_init(&round, NULL, BEGINNERS + 1), 0);
	for (i = 0; i < BEGINNERS; i++) {
		b[i] = (struct beginner){ &r, 1000000 * (i + 1), 0, &round };
		assert_int_equal(
		    pthread_create(&threads[i], NULL, begin_items, &b[i]), 0);
	}
	for (seq = 1; seq <= ROUNDS; seq++) {
		progress_give(r.s.progress, seq);
		pthread_barrier_wait(&round);
		assert_int_equal(
		    run_compact(&r, (struct journal_batch){ 0 }), 0);
		check_begun(&r, b);
	}
	for (i = 0; i < BEGINNERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	pthread_barrier_destroy(&round);
	check_begun(&r, b);
	run_end(&r);
}

/* The new file cannot be made; the run goes on with the old one. */
static void
test_a_compaction_that_fails_loses_nothing(void **state)
{
	struct run r;
	struct buf why = { 0 }, frame = { 0 };
	struct journal_state s;
	char path[128];
	uint64_t done = 2;
	struct journal_batch b = { .done = &done, .ndone = 1 };

	(void)state;
	run_begin(&r, 1);
	run_give(&r, 1, 3);
	assert_int_equal(run_commit(&r, (struct journal_batch){ 0 }), 0);
	snprintf(path, sizeof(path), "%s.new", r.path);
	assert_int_equal(mkdir(path, 0700), 0);
	journal_encode_checkpoint(&frame, &r.s, &b);
	journal_start_compaction(r.j, &r.s);
	assert_int_equal(journal_begun(r.j, 3), 0);
	assert_int_equal(journal_commit(r.j, buf_view(&frame)), 0);
	buf_fini(&frame);
	assert_int_equal(journal_begun(r.j, 1), 0);
	journal_state_init(&s);
	assert_int_equal(journal_read(r.path, &s, &why), JOURNAL_OK);
	assert_int_equal(progress_open(s.progress), 2);
	assert_null(progress_find(s.progress, 2));
	assert_int_equal(progress_find(s.progress, 3)->was_begun, 1);
	assert_int_equal(progress_find(s.progress, 1)->was_begun, 1);
	journal_state_fini(&s);
	assert_int_equal(rmdir(path), 0);
	run_end(&r);
}

/* ---- errors ---------------------------------------------------------------
 */

static void
limit_file_size(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A limit of the file's size cuts writes short as a full disk does. */
static void
test_a_full_disk_leaves_whole_frames(void **state)
{
	struct run r;
	struct buf why = { 0 }, frame = { 0 };
	struct journal_state s;
	struct journal_batch b = { .has_governor = 1 };
	struct stat st;
	uint64_t limit, room, seq;
	int error;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	run_begin(&r, 1);
	run_give(&r, 1, 400);
	buf_reserve(&r.s.governor, 1000);
	memset(r.s.governor.p, 'g', 1000);
	r.s.governor.n = 1000;
	assert_int_equal(run_commit(&r, (struct journal_batch){ 0 }), 0);
	for (room = 0; room < 1500; room += 23) {
		assert_int_equal(stat(r.path, &st), 0);
		limit = (uint64_t)st.st_size + room;
		limit_file_size(limit);
		for (seq = 1; (error = journal_begun(r.j, seq)) == 0; seq++)
			;
		assert_int_equal(error, EFBIG);
		buf_clear(&frame, SIZE_MAX);
		journal_encode_checkpoint(&frame, &r.s, &b);
		assert_int_equal(journal_commit(r.j, buf_view(&frame)), EFBIG);
		journal_state_init(&s);
		assert_int_equal(journal_read(r.path, &s, &why), JOURNAL_OK);
		assert_int_equal(progress_find(s.progress, 300)->was_begun, 0);
		journal_state_fini(&s);
		assert_int_equal(stat(r.path, &st), 0);
		assert_true((uint64_t)st.st_size <= limit);
		assert_true((uint64_t)st.st_size + 30 > limit);
		/* There is room again: the same frame. */
		limit_file_size(RLIM_INFINITY);
		assert_int_equal(journal_commit(r.j, buf_view(&frame)), 0);
	}
	journal_state_init(&s);
	assert_int_equal(journal_read(r.path, &s, &why), JOURNAL_OK);
	assert_int_equal(progress_open(s.progress), 400);
	assert_int_equal(s.governor.n, 1000);
	journal_state_fini(&s);
	buf_fini(&frame);
	run_end(&r);
}

/* The descriptor of the journal. */
static int
descriptor_of(const char *path)
{
	char name[64], target[128];
	ssize_t n;
	int fd;

	for (fd = 3; fd < 256; fd++) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		n = readlink(name, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		if (strcmp(target, path) == 0)
			return fd;
	}
	return -1;
}

static void
test_after_an_error_of_the_disk_nothing_is_written(void **state)
{
	struct run r;
	struct buf why = { 0 };
	struct journal_state s;
	int fd, real, full;

	(void)state;
	run_begin(&r, 1);
	run_give(&r, 1, 2);
	assert_int_equal(run_commit(&r, (struct journal_batch){ 0 }), 0);
	fd = descriptor_of(r.path);
	assert_true(fd > 0);
	real = dup(fd);
	full = open("/dev/full", O_RDWR);
	/* It is full, and cannot be cut back either. */
	assert_int_equal(dup2(full, fd), fd);
	assert_int_equal(journal_begun(r.j, 1), EIO);
	assert_int_equal(dup2(real, fd), fd);
	close(full);
	close(real);
	/* What the file contains is unknown. */
	assert_int_equal(journal_begun(r.j, 2), EIO);
	assert_int_equal(run_commit(&r, (struct journal_batch){ 0 }), EIO);
	assert_int_equal(journal_sync(r.j), EIO);
	assert_int_equal(journal_finish(r.j), EIO);
	journal_state_init(&s);
	assert_int_equal(journal_read(r.path, &s, &why), JOURNAL_OK);
	assert_int_equal(progress_open(s.progress), 2);
	assert_int_equal(progress_find(s.progress, 1)->was_begun, 0);
	journal_state_fini(&s);
	run_end(&r);
}

static void
test_a_sync_that_fails_is_not_repeated(void **state)
{
	struct run r;
	int fd, real, full;

	(void)state;
	run_begin(&r, 1);
	fd = descriptor_of(r.path);
	real = dup(fd);
	full = open("/dev/full", O_RDWR);
	assert_int_equal(dup2(full, fd), fd);
	assert_int_equal(journal_sync(r.j), EINVAL); /* a device has no sync */
	assert_int_equal(dup2(real, fd), fd);
	close(full);
	close(real);
	assert_int_equal(journal_sync(r.j), EIO);
	assert_int_equal(run_commit(&r, (struct journal_batch){ 0 }), EIO);
	run_end(&r);
}

/* A file system of 8 MiB of our own, if the system lets us. */
static int
mount_small(const char *dir)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", dir, "tmpfs", 0, "size=8m") == 0;
}

static void
test_the_last_checkpoint_fits_on_a_full_disk(void **state)
{
	static const char block[4096];
	struct run r;
	struct buf why = { 0 };
	struct journal_state s;
	uint64_t done = 2;
	int fd;

	(void)state;
	run_paths(&r);
	if (!mount_small(r.dir)) {
		run_end(&r);
		skip();
	}
	run_open(&r, 1);
	run_give(&r, 1, 3);
	fd = open(r.other, O_WRONLY | O_CREAT, 0600);
	while (write(fd, block, sizeof(block)) > 0)
		;
	assert_int_equal(errno, ENOSPC);
	buf_reserve(&r.s.governor, 900000);
	memset(r.s.governor.p, 'g', r.s.governor.n = 900000);
	/* There is no room for the new file of a compaction, but for this. */
	assert_int_equal(run_compact(&r, (struct journal_batch){ .done = &done,
					     .ndone = 1,
					     .has_governor = 1 }),
	    0);
	journal_state_init(&s);
	assert_int_equal(journal_read(r.path, &s, &why), JOURNAL_OK);
	assert_int_equal(progress_open(s.progress), 2);
	assert_int_equal(s.governor.n, 900000);
	journal_state_fini(&s);
	/* Until the reserve is used up; then what was written stays. */
	while (journal_begun(r.j, 1) == 0)
		;
	assert_int_equal(journal_begun(r.j, 1), ENOSPC);
	journal_state_init(&s);
	assert_int_equal(journal_read(r.path, &s, &why), JOURNAL_OK);
	assert_int_equal(progress_find(s.progress, 1)->was_begun, 1);
	journal_state_fini(&s);
	/* Room again. */
	assert_int_equal(ftruncate(fd, 0), 0);
	close(fd);
	assert_int_equal(journal_begun(r.j, 3), 0);
	assert_int_equal(run_commit(&r, (struct journal_batch){ 0 }), 0);
	journal_close(r.j);
	r.j = NULL;
	assert_int_equal(umount(r.dir), 0);
	run_end(&r);
}

/* ---- power loss -----------------------------------------------------------
 */

#define CRASHES 3000
#define SECTOR 64 /* small, so that frames are torn often */
#define STEPS 40

struct step {
	size_t size_bytes, synced_bytes; /* after it */
};

/* What was not synced is on the disk in part: each sector or zeros, up to any
 * size. */
static void
lose_power(struct buf *disk, struct span file, const struct step *s)
{
	size_t at, n, size_bytes;

	size_bytes = s->synced_bytes +
		     (size_t)random() % (s->size_bytes - s->synced_bytes + 1);
	buf_clear(disk, SIZE_MAX);
	buf_add(disk, file.p, size_bytes);
	for (at = s->synced_bytes; at < size_bytes; at += n) {
		n = SECTOR - at % SECTOR;
		if (n > size_bytes - at)
			n = size_bytes - at;
		if (random() % 2 == 0)
			memset(disk->p + at, 0, n);
	}
}

static void
test_after_power_loss_at_least_what_was_synced_is_there(void **state)
{
	struct run r;
	struct step steps[STEPS];
	struct buf file, disk = { 0 }, why = { 0 }, said, whole;
	enum journal_verdict verdict;
	size_t at[FRAMES_MAX], n, i, frame, first;
	int is_same, is_commit, was_commit = 0;
	struct stat st;

	(void)state;
	srandom(11);
	run_begin(&r, 1);
	assert_int_equal(stat(r.path, &st), 0);
	first = (size_t)st.st_size;
	for (i = 0; i < STEPS; i++) {
		run_give(&r, i + 1, i + 1);
		is_commit = random() % 5 == 0;
		if (is_commit)
			assert_int_equal(
			    run_commit(&r, (struct journal_batch){ 0 }), 0);
		else
			assert_int_equal(journal_begun(r.j, i + 1), 0);
		assert_int_equal(stat(r.path, &st), 0);
		steps[i].size_bytes = (size_t)st.st_size;
		steps[i].synced_bytes =
		    i > 0 ? steps[i - 1].synced_bytes : first;
		/* The power may fail before the sync of a commit ends. */
		if (i > 0 && was_commit)
			steps[i].synced_bytes = steps[i - 1].size_bytes;
		was_commit = is_commit;
	}
	file = run_bytes(r.path);
	n = run_frames(buf_view(&file), at);
	for (i = 0; i < CRASHES; i++) {
		const struct step *s = &steps[i % STEPS];

		lose_power(&disk, buf_view(&file), s);
		said = run_said(buf_view(&disk), &verdict, &why);
		assert_int_equal(verdict, JOURNAL_OK);
		/* It is what some number of whole frames says, and these
		 * contain all that were synced. */
		for (frame = 1; frame <= n; frame++) {
			if (at[frame] < s->synced_bytes)
				continue;
			whole = run_said(
			    span_of(file.p, at[frame]), &verdict, &why);
			is_same = whole.n == said.n &&
				  memcmp(whole.p, said.p, said.n) == 0;
			buf_fini(&whole);
			if (is_same)
				break;
		}
		assert_true(frame <= n && at[frame] <= s->size_bytes);
		buf_fini(&said);
	}
	buf_fini(&file);
	buf_fini(&disk);
	buf_fini(&why);
	run_end(&r);
}

static void
test_a_start_that_fails_leaves_the_old_journal(void **state)
{
	struct run r;
	struct buf why = { 0 }, before, after;
	enum journal_verdict verdict;
	char path[128];

	(void)state;
	run_begin(&r, 1);
	run_play(&r);
	journal_close(r.j);
	before = run_bytes(r.path);
	snprintf(path, sizeof(path), "%s.new", r.path);
	assert_int_equal(mkdir(path, 0700), 0);
	r.j = journal_open(r.path, &verdict, &why);
	assert_int_equal(journal_start(r.j, &r.s, 1, &why), EISDIR);
	buf_char(&why, '\0');
	assert_non_null(strstr(why.p, path));
	after = run_bytes(r.path);
	assert_true(span_eq(buf_view(&before), buf_view(&after)));
	assert_int_equal(rmdir(path), 0);
	why.n = 0;
	assert_int_equal(journal_start(r.j, &r.s, 1, &why), 0);
	buf_fini(&before);
	buf_fini(&after);
	buf_fini(&why);
	run_end(&r);
}

/* ---- size -----------------------------------------------------------------
 */

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

#define WINDOW 300
#define BATCH 256
#define LATE_EVERY 2000 /* one item in so many stays open for long */

/* The items of a batch: any of the window, but for the late ones. */
static void
run_batch(struct run *r, uint64_t window[WINDOW], uint64_t *given)
{
	uint64_t done[BATCH], changed[BATCH];
	size_t n, at, nchanged = 0;
	struct progress_item *i;

	for (n = 0; n < BATCH; n++) {
		at = (size_t)random() % WINDOW;
		done[n] = window[at];
		do {
			progress_give(r->s.progress, window[at] = ++*given);
			i = progress_find(r->s.progress, *given);
			if (random() % 50 == 0) {
				i->attempts = 1;
				i->not_before_us =
				    1700000000000000 + (int64_t)*given * 1000;
				if (nchanged < BATCH)
					changed[nchanged++] = *given;
			}
		} while (*given % LATE_EVERY == 0);
	}
	r->s.out.bytes += BATCH * 700;
	r->s.mark.bytes += BATCH * 40;
	r->s.mark.lines += BATCH;
	r->s.mark.hash[0] = (uint64_t)random() << 33;
	assert_int_equal(run_commit(r, (struct journal_batch){ .done = done,
					   .ndone = BATCH,
					   .changed = changed,
					   .nchanged = nchanged }),
	    0);
}

/* JOURNAL_ITEMS=10000000 for the figures of a long run. */
static void
test_the_size_does_not_grow_with_the_list(void **state)
{
	const char *wanted = getenv("JOURNAL_ITEMS");
	uint64_t items = wanted != NULL ? strtoull(wanted, NULL, 10) : 500000;
	uint64_t window[WINDOW], given = 0;
	size_t i, largest = 0;
	struct run r;
	struct journal_state s;
	struct buf why = { 0 }, live = { 0 }, read = { 0 };
	struct stat st;
	double start, spent = 0, slowest = 0;
	int was_read = 0;

	(void)state;
	srandom(3);
	run_begin(&r, 0);
	buf_str(&r.s.counts, "a hundred bytes of counts, more or less: ok 1, "
			     "http_4xx 2, http_5xx 3, dns_failed 4, ...");
	for (i = 0; i < WINDOW; i++)
		progress_give(r.s.progress, window[i] = ++given);
	journal_state_init(&s);
	while (given < items) {
		start = seconds();
		run_batch(&r, window, &given);
		spent += seconds() - start;
		assert_int_equal(stat(r.path, &st), 0);
		if ((size_t)st.st_size > largest)
			largest = (size_t)st.st_size;
		/* Once before each compaction, when it is largest. */
		if (st.st_size < (JOURNAL_COMPACT_BYTES / 64 * 63))
			was_read = 0;
		else if (!was_read++) {
			start = seconds();
			journal_state_fini(&s);
			journal_state_init(&s);
			assert_int_equal(
			    journal_read(r.path, &s, &why), JOURNAL_OK);
			if (seconds() - start > slowest)
				slowest = seconds() - start;
		}
	}
	journal_state_fini(&s);
	journal_state_init(&s);
	assert_int_equal(journal_read(r.path, &s, &why), JOURNAL_OK);
	journal_encode_snapshot(&live, &r.s, NULL, 0, NULL, 0);
	journal_encode_snapshot(&read, &s, NULL, 0, NULL, 0);
	assert_true(span_eq(buf_view(&live), buf_view(&read)));
	print_message("%ju items, %zu open: at most %zu bytes; a snapshot %zu; "
		      "written in %.2f s, read in at most %.3f s\n",
	    (uintmax_t)given, progress_open(s.progress), largest, live.n, spent,
	    slowest);
	assert_true(largest < live.n + JOURNAL_COMPACT_BYTES + 4096);
	journal_state_fini(&s);
	buf_fini(&live);
	buf_fini(&read);
	run_end(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_journal_in_use_is_locked),
		cmocka_unit_test(
		    test_a_journal_that_is_not_started_leaves_nothing),
		cmocka_unit_test(test_what_cannot_be_opened_is_refused),
		cmocka_unit_test(
		    test_a_link_stays_a_link_and_the_file_is_private),
		cmocka_unit_test(test_a_new_file_of_before_is_in_no_way),
		cmocka_unit_test(test_room_is_reserved),
		cmocka_unit_test(
		    test_what_is_begun_during_a_compaction_is_not_lost),
		cmocka_unit_test(test_a_compaction_that_fails_loses_nothing),
		cmocka_unit_test(test_a_full_disk_leaves_whole_frames),
		cmocka_unit_test(
		    test_after_an_error_of_the_disk_nothing_is_written),
		cmocka_unit_test(test_a_sync_that_fails_is_not_repeated),
		cmocka_unit_test(
		    test_a_start_that_fails_leaves_the_old_journal),
		cmocka_unit_test(
		    test_after_power_loss_at_least_what_was_synced_is_there),
		cmocka_unit_test(test_the_size_does_not_grow_with_the_list),
		cmocka_unit_test(test_the_last_checkpoint_fits_on_a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
