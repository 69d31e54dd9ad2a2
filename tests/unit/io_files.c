/* SPDX-License-Identifier: ISC */
/* Bodies in files: real files below a temporary directory. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "io/disk.h"
#include "io/files/files_int.h"

#define WAIT_US 20000000
#define EMPTY_SHA256 \
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC_SHA256 \
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

struct world {
	char dir[64], inner[96];
	struct event_base *base;
	struct disk *writer, *syncer;
	struct files *files;
	struct files_conf conf;

	/* Of the last body. */
	const char *name;
	int done;
	enum body_file_end end;
	char got[512], sha256[DIGEST_HEX + 1];
	const char *why;

	/* Of before_publish. */
	char told[512];
	int refuse_with;
};

/* ---- the world ---- */

static void
open_files(struct world *w)
{
	struct buf err = { 0 };

	w->writer = disk_new(w->base);
	w->syncer = disk_new(w->base);
	w->conf.dir = w->inner;
	w->conf.writer = w->writer;
	w->conf.syncer = w->syncer;
	if (w->conf.queue_bytes == 0)
		w->conf.queue_bytes = 8 << 20;
	w->files = files_open(&w->conf, &err);
	if (w->files == NULL)
		fail_msg("%.*s", (int)err.n, err.p);
}

static void
close_files(struct world *w)
{
	disk_free(w->writer);
	disk_free(w->syncer);
	files_free(w->files);
	w->files = NULL;
}

static int
setup(void **state)
{
	struct world *w = mem_zalloc(1, sizeof(*w));

	snprintf(w->dir, sizeof(w->dir), "/tmp/fetchd-files-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->inner, sizeof(w->inner), "%s/out", w->dir);
	w->base = event_base_new();
	umask(022);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	char command[128];

	if (w->files != NULL)
		close_files(w);
	event_base_free(w->base);
	snprintf(command, sizeof(command), "rm -rf '%s'", w->dir);
	assert_int_equal(system(command), 0);
	free(w);
	return 0;
}

static const char *
at(const struct world *w, const char *name)
{
	static char path[1024];

	snprintf(path, sizeof(path), "%s/%s", w->inner, name);
	return path;
}

static int
exists(const struct world *w, const char *name)
{
	struct stat st;

	return lstat(at(w, name), &st) == 0;
}

static void
make_file(const struct world *w, const char *name, const char *text)
{
	FILE *f = fopen(at(w, name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
assert_content(const struct world *w, const char *name, const char *text)
{
	char got[256] = "";
	FILE *f = fopen(at(w, name), "r");

	if (f == NULL)
		fail_msg("%s: %s", name, strerror(errno));
	got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(got, text);
}

static void
run_disks(struct world *w)
{
	while (disk_pending(w->writer) + disk_pending(w->syncer) > 0) {
		disk_finish(w->writer, WAIT_US);
		disk_finish(w->syncer, WAIT_US);
	}
}

/* ---- one body ---- */

static void
put_name(void *arg, struct span sha256, struct buf *out)
{
	struct world *w = arg;

	assert_int_equal(sha256.n, DIGEST_HEX);
	buf_str(out, w->name);
}

static void
on_done(void *arg, const struct body_file_result *r)
{
	struct world *w = arg;

	w->done++;
	w->end = r->end;
	w->why = r->why;
	snprintf(w->got, sizeof(w->got), "%.*s", (int)r->name.n,
	    r->name.n > 0 ? r->name.p : "");
	snprintf(w->sha256, sizeof(w->sha256), "%.*s", (int)r->sha256.n,
	    r->sha256.p);
}

static struct body_file_how
how_of(struct world *w)
{
	return (struct body_file_how){
		.name = put_name, .done = on_done, .arg = w
	};
}

/* Saves text under the name. */
static enum body_file_end
save(struct world *w, uint64_t seq, const char *name, const char *text,
    int is_own)
{
	struct body_file *b = body_file_open(w->files, seq);
	struct body_file_how how = how_of(w);
	int before = w->done;

	how.is_own = is_own;
	w->name = name;
	body_file_put(b, span_str(text));
	body_file_finish(b, &how);
	assert_int_equal(w->done, before); /* never from the call */
	run_disks(w);
	assert_int_equal(w->done, before + 1);
	return w->end;
}

static void
test_a_body_has_its_name_only_when_it_is_complete(void **state)
{
	struct world *w = *state;
	struct body_file_how how = how_of(w);
	struct body_file *b;
	struct stat st;

	open_files(w);
	b = body_file_open(w->files, 7);
	body_file_put(b, SPAN("a"));
	body_file_put(b, SPAN("bc"));
	assert_true(body_file_has_room(b));
	w->name = "example.com/a/b.txt";
	run_disks(w);
	assert_false(exists(w, "example.com"));
	body_file_finish(b, &how);
	run_disks(w);
	assert_int_equal(w->end, BODY_FILE_SAVED);
	assert_string_equal(w->got, "example.com/a/b.txt");
	assert_string_equal(w->sha256, ABC_SHA256);
	assert_content(w, "example.com/a/b.txt", "abc");
	assert_int_equal(stat(at(w, "example.com/a/b.txt"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(at(w, "example.com/a"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(files_held_bytes(w->files), 0);
	close_files(w);
	assert_false(exists(w, FILES_TMP));
}

static void
test_the_umask_applies(void **state)
{
	struct world *w = *state;
	struct stat st;

	umask(0277);
	open_files(w);
	assert_int_equal(save(w, 1, "a", "abc", 0), BODY_FILE_SAVED);
	umask(022);
	assert_int_equal(stat(at(w, "a"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0400);
}

static void
test_an_empty_body_is_an_empty_file(void **state)
{
	struct world *w = *state;
	struct stat st;

	open_files(w);
	assert_int_equal(save(w, 1, "a", "", 0), BODY_FILE_SAVED);
	assert_int_equal(stat(at(w, "a"), &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_string_equal(w->sha256, EMPTY_SHA256);
}

static void
test_a_name_that_is_taken_gets_the_seq(void **state)
{
	struct world *w = *state;

	open_files(w);
	assert_int_equal(save(w, 1, "a/b.html", "1", 0), BODY_FILE_SAVED);
	assert_int_equal(save(w, 2, "a/b.html", "2", 0), BODY_FILE_SAVED);
	assert_string_equal(w->got, "a/b-2.html");
	assert_int_equal(save(w, 2, "a/b.html", "3", 0), BODY_FILE_SAVED);
	assert_string_equal(w->got, "a/b-2-2.html");
	assert_int_equal(save(w, 2, "a/b.html", "4", 0), BODY_FILE_SAVED);
	assert_string_equal(w->got, "a/b-2-3.html");
	assert_content(w, "a/b.html", "1");
	assert_content(w, "a/b-2.html", "2");
	/* Without an extension, and where only the directory has a dot. */
	assert_int_equal(save(w, 5, "x.y/z", "5", 0), BODY_FILE_SAVED);
	assert_int_equal(save(w, 6, "x.y/z", "6", 0), BODY_FILE_SAVED);
	assert_string_equal(w->got, "x.y/z-6");
}

static void
test_a_file_in_the_place_of_a_directory_renames_the_directory(void **state)
{
	struct world *w = *state;

	open_files(w);
	assert_int_equal(save(w, 1, "a", "1", 0), BODY_FILE_SAVED);
	assert_int_equal(save(w, 2, "a/b/c", "2", 0), BODY_FILE_SAVED);
	assert_string_equal(w->got, "a-2/b/c");
	/* And a directory in the place of a file the file. */
	assert_int_equal(save(w, 3, "a-2/b", "3", 0), BODY_FILE_SAVED);
	assert_string_equal(w->got, "a-2/b-3");
	assert_content(w, "a", "1");
	/* An item's own name is never changed. */
	assert_int_equal(save(w, 4, "a/b", "4", 1), BODY_FILE_CONFLICT);
	assert_int_equal(save(w, 5, "a-2/b", "5", 1), BODY_FILE_CONFLICT);
	assert_int_equal(files_error(w->files), E_OK);
}

static void
test_overwrite_replaces_files_of_other_runs_only(void **state)
{
	struct world *w = *state;

	mkdir(w->inner, 0700);
	make_file(w, "a", "old");
	make_file(w, "own", "old");
	usleep(20000); /* the clock of a file system ticks slowly */
	w->conf.is_overwriting = 1;
	open_files(w);
	assert_int_equal(save(w, 1, "a", "new", 0), BODY_FILE_SAVED);
	assert_string_equal(w->got, "a");
	assert_content(w, "a", "new");
	assert_int_equal(save(w, 2, "a", "other", 0), BODY_FILE_SAVED);
	assert_string_equal(w->got, "a-2");
	assert_content(w, "a", "new");
	assert_int_equal(save(w, 3, "own", "new", 1), BODY_FILE_SAVED);
	assert_content(w, "own", "new");
}

static void
test_an_own_name_that_exists_or_is_not_safe_is_a_conflict(void **state)
{
	static const char *const names[] = { "taken", "/etc/passwd", "../x",
		"a/../b", "a//b", "a/", "", ".", "a/.", ".fetchd-tmp/x",
		".FETCHD-TMP/x" };
	struct world *w = *state;
	struct body_file_how how;
	struct body_file *b;
	char long_name[600];
	size_t i;

	open_files(w);
	make_file(w, "taken", "old");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (save(w, i, names[i], "new", 1) != BODY_FILE_CONFLICT)
			fail_msg("%s is accepted", names[i]);
		assert_non_null(w->why);
	}
	assert_content(w, "taken", "old");
	memset(long_name, 'n', sizeof(long_name));
	long_name[300] = '\0';
	assert_int_equal(save(w, 90, long_name, "", 1), BODY_FILE_CONFLICT);
	/* A NUL would cut it. */
	assert_false(place_is_safe(span_of("a\0b", 3)));
	assert_int_equal(save(w, 91, "x/.y/-z", "ok", 1), BODY_FILE_SAVED);
	assert_int_equal(files_error(w->files), E_OK);
	/* One that fails leaves no temporary file. */
	how = how_of(w);
	b = body_file_open(w->files, 92);
	how.is_own = 1;
	w->name = "taken";
	body_file_finish(b, &how);
	run_disks(w);
	assert_int_equal(w->files->live.n, 0);
}

static void
test_no_symbolic_link_is_followed(void **state)
{
	struct world *w = *state;
	char outside[128];

	open_files(w);
	snprintf(outside, sizeof(outside), "%s/outside", w->dir);
	mkdir(outside, 0700);
	assert_int_equal(symlink(outside, at(w, "dir")), 0);
	assert_int_equal(symlink("../outside/x", at(w, "file")), 0);
	assert_int_equal(symlink(".", at(w, "here")), 0);
	assert_int_equal(save(w, 1, "dir/x", "1", 0), BODY_FILE_CONFLICT);
	assert_int_equal(save(w, 2, "dir/x", "1", 1), BODY_FILE_CONFLICT);
	assert_int_equal(save(w, 3, "here/x", "1", 0), BODY_FILE_CONFLICT);
	assert_int_equal(save(w, 4, "file", "1", 1), BODY_FILE_CONFLICT);
	assert_int_equal(save(w, 5, "file", "1", 0), BODY_FILE_SAVED);
	assert_string_equal(w->got, "file-5");
	assert_int_equal(rmdir(outside), 0); /* empty */
	assert_int_equal(files_error(w->files), E_OK);
}

static void
test_overwrite_replaces_a_link_and_not_its_target(void **state)
{
	struct world *w = *state;
	char outside[128];
	struct stat st;

	mkdir(w->inner, 0700);
	snprintf(outside, sizeof(outside), "%s/outside", w->dir);
	make_file(w, "../outside", "target");
	assert_int_equal(symlink(outside, at(w, "file")), 0);
	usleep(20000);
	w->conf.is_overwriting = 1;
	open_files(w);
	assert_int_equal(save(w, 1, "file", "new", 0), BODY_FILE_SAVED);
	assert_content(w, "../outside", "target");
	assert_int_equal(lstat(at(w, "file"), &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

static void
test_a_digest_that_differs_publishes_nothing(void **state)
{
	struct world *w = *state;
	struct body_file_how how = how_of(w);
	struct body_file *b;

	open_files(w);
	w->name = "a";
	b = body_file_open(w->files, 1);
	how.expected = SPAN(EMPTY_SHA256);
	body_file_put(b, SPAN("abc"));
	body_file_finish(b, &how);
	run_disks(w);
	assert_int_equal(w->end, BODY_FILE_MISMATCH);
	assert_string_equal(w->sha256, ABC_SHA256);
	assert_false(exists(w, "a"));
	assert_int_equal(w->files->live.n, 0);
	b = body_file_open(w->files, 1);
	how.expected = SPAN(ABC_SHA256);
	body_file_put(b, SPAN("abc"));
	body_file_finish(b, &how);
	run_disks(w);
	assert_int_equal(w->end, BODY_FILE_SAVED);
}

static void
test_a_partial_body_is_named_so(void **state)
{
	struct world *w = *state;
	struct body_file_how how = how_of(w);
	struct body_file *b;
	int i;

	open_files(w);
	w->name = "a.html";
	how.is_partial = 1;
	for (i = 0; i < 2; i++) {
		b = body_file_open(w->files, 9);
		body_file_put(b, SPAN("ab"));
		body_file_finish(b, &how);
		run_disks(w);
		assert_int_equal(w->end, BODY_FILE_SAVED);
		assert_string_equal(
		    w->got, i == 0 ? "a.html.part" : "a.html-9.part");
	}
	assert_content(w, "a.html.part", "ab");
}

/* Bytes wait for the writer up to the limit, and no longer. */
static void
test_a_body_has_no_room_while_the_writer_is_behind(void **state)
{
	struct world *w = *state;
	struct body_file_how how = how_of(w);
	static char piece[65536];
	struct body_file *b, *other;
	size_t put = 0;
	struct stat st;

	open_files(w);
	b = body_file_open(w->files, 1);
	/* Without the loop no job is ever reported as done. */
	while (body_file_has_room(b)) {
		body_file_put(b, span_of(piece, sizeof(piece)));
		put += sizeof(piece);
		assert_true(put <= 1 << 20);
	}
	assert_int_equal(files_held_bytes(w->files), put);
	/* Another one has room: its own is empty. */
	other = body_file_open(w->files, 2);
	assert_true(body_file_has_room(other));
	run_disks(w);
	assert_true(body_file_has_room(b));
	assert_int_equal(files_held_bytes(w->files), 0);
	w->name = "big";
	body_file_finish(b, &how);
	run_disks(w);
	assert_int_equal(stat(at(w, "big"), &st), 0);
	assert_int_equal(st.st_size, put);
	body_file_abandon(&other);
}

static void
test_all_bodies_together_have_a_limit(void **state)
{
	struct world *w = *state;
	static char piece[65536];
	struct body_file *b[8];
	size_t i;

	w->conf.queue_bytes = 3 * sizeof(piece);
	open_files(w);
	for (i = 0; i < 8; i++) {
		b[i] = body_file_open(w->files, i);
		assert_true(body_file_has_room(b[i])); /* the first piece */
		body_file_put(b[i], span_of(piece, sizeof(piece)));
		assert_int_equal(body_file_has_room(b[i]), i < 2);
	}
	run_disks(w);
	assert_true(body_file_has_room(b[7]));
	for (i = 0; i < 8; i++)
		body_file_abandon(&b[i]);
	run_disks(w);
	assert_int_equal(w->files->live.n, 0);
}

static void
test_what_is_abandoned_leaves_nothing(void **state)
{
	struct world *w = *state;
	struct body_file_how how = how_of(w);
	static char piece[262144];
	struct body_file *b, *none = NULL;
	int i;

	open_files(w);
	w->name = "a";
	body_file_abandon(&none);
	for (i = 0; i < 6; i++) {
		b = body_file_open(w->files, 1);
		if (i > 0)
			body_file_put(b, span_of(piece, sizeof(piece)));
		if (i == 2 || i == 4)
			run_disks(w);
		if (i > 2)
			body_file_finish(b, &how);
		if (i == 5)
			disk_finish(w->writer, WAIT_US);
		body_file_abandon(&b);
		run_disks(w);
		if (i != 4)
			assert_int_equal(w->files->live.n, 0);
	}
	close_files(w);
	assert_false(exists(w, FILES_TMP));
}

/* ---- temporary directories ---- */

static void
test_what_a_killed_run_has_left_is_removed(void **state)
{
	struct world *w = *state;

	mkdir(w->inner, 0700);
	mkdir(at(w, FILES_TMP), 0700);
	mkdir(at(w, FILES_TMP "/stale"), 0700);
	make_file(w, FILES_TMP "/stale/1.1", "x");
	make_file(w, "kept", "x");
	open_files(w);
	assert_false(exists(w, FILES_TMP "/stale"));
	close_files(w);
	assert_false(exists(w, FILES_TMP));
	assert_true(exists(w, "kept"));
}

static void
test_what_another_run_uses_stays(void **state)
{
	struct world *w = *state;
	int fd;

	mkdir(w->inner, 0700);
	mkdir(at(w, FILES_TMP), 0700);
	mkdir(at(w, FILES_TMP "/used"), 0700);
	make_file(w, FILES_TMP "/used/1.1", "x");
	fd = open(at(w, FILES_TMP "/used"), O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	open_files(w);
	close_files(w);
	assert_true(exists(w, FILES_TMP "/used/1.1"));
	close(fd);
}

static void
refused(struct world *w, const char *dir, const char *why)
{
	struct buf err = { 0 };

	w->conf.dir = dir;
	assert_null(files_open(&w->conf, &err));
	buf_char(&err, '\0');
	if (strstr(err.p, why) == NULL || strstr(err.p, dir) == NULL)
		fail_msg("%s", err.p);
	buf_fini(&err);
}

static void
test_a_directory_that_cannot_be_used_is_refused(void **state)
{
	struct world *w = *state;
	char path[160];

	snprintf(path, sizeof(path), "%s/a/b", w->dir);
	refused(w, path, strerror(ENOENT));
	mkdir(w->inner, 0700);
	make_file(w, "file", "x");
	snprintf(path, sizeof(path), "%s/file", w->inner);
	refused(w, path, strerror(ENOTDIR));
	assert_int_equal(symlink("/tmp", at(w, FILES_TMP)), 0);
	refused(w, w->inner, "symbolic link");
	if (getuid() != 0) {
		assert_int_equal(unlink(at(w, FILES_TMP)), 0);
		chmod(w->inner, 0500);
		refused(w, w->inner, strerror(EACCES));
		chmod(w->inner, 0700);
	}
}

/* ---- the disk, and who is told of names ---- */

static int
before_publish(void *arg, uint64_t seq, const char *name)
{
	struct world *w = arg;
	size_t n = strlen(w->told);

	snprintf(w->told + n, sizeof(w->told) - n, "%llu:%s ",
	    (unsigned long long)seq, name);
	return w->refuse_with;
}

static void
test_names_are_told_before_they_are_given(void **state)
{
	struct world *w = *state;
	struct body_file_how how = how_of(w);
	struct body_file *b;

	w->conf.is_synced = 1;
	w->conf.before_publish = before_publish;
	w->conf.arg = w;
	open_files(w);
	make_file(w, "a", "old");
	assert_int_equal(save(w, 1, "a", "x", 0), BODY_FILE_SAVED);
	assert_int_equal(save(w, 2, "a", "x", 1), BODY_FILE_CONFLICT);
	/* Never of "a", which is not theirs. */
	assert_string_equal(w->told, "1:a-1 ");
	w->refuse_with = EIO;
	b = body_file_open(w->files, 3);
	w->name = "b/c";
	body_file_finish(b, &how);
	run_disks(w);
	assert_int_equal(w->done, 2);
	assert_false(exists(w, "b/c"));
	assert_int_equal(files_error(w->files), E_OUTPUT_IO);
	assert_int_equal(files_errno(w->files), EIO);
	assert_non_null(strstr(files_error_path(w->files), "out/b/c"));
	/* It is its fetch's still. */
	body_file_abandon(&b);
	run_disks(w);
	assert_int_equal(w->files->live.n, 0);
}

static void
test_directories_with_new_names_are_synced_once(void **state)
{
	struct world *w = *state;
	char name[32];
	int i;

	w->conf.is_synced = 1;
	open_files(w);
	assert_int_equal(save(w, 1, "a/b/c", "x", 0), BODY_FILE_SAVED);
	assert_int_equal(save(w, 2, "a/b/d", "x", 0), BODY_FILE_SAVED);
	assert_int_equal(w->files->ndirty, 3); /* ".", "a" and "a/b" */
	assert_int_equal(files_sync_dirs(w->files), 0);
	assert_int_equal(w->files->ndirty, 0);
	/* So many that the file system is synced as a whole. */
	for (i = 0; i <= FILES_DIRS_MAX; i++) {
		snprintf(name, sizeof(name), "d%d/x", i);
		assert_int_equal(save(w, 3, name, "x", 0), BODY_FILE_SAVED);
	}
	assert_int_equal(w->files->ndirty, FILES_DIRS_MAX);
	assert_true(w->files->is_all_dirty);
	assert_int_equal(files_sync_dirs(w->files), 0);
	assert_int_equal(w->files->ndirty, 0);
	/* One that is gone needs no sync. */
	assert_int_equal(save(w, 4, "gone/x", "x", 0), BODY_FILE_SAVED);
	assert_int_equal(unlink(at(w, "gone/x")), 0);
	assert_int_equal(rmdir(at(w, "gone")), 0);
	assert_int_equal(files_sync_dirs(w->files), 0);
}

static void
test_a_file_that_may_not_grow_ends_all(void **state)
{
	struct world *w = *state;
	struct rlimit old, small = { 100000, 0 };
	static char piece[200000];
	struct body_file *b;
	struct body_file_how how = how_of(w);

	open_files(w);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	b = body_file_open(w->files, 12);
	body_file_put(b, span_of(piece, sizeof(piece)));
	run_disks(w);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(files_error(w->files), E_OUTPUT_IO);
	assert_int_equal(files_errno(w->files), EFBIG);
	assert_non_null(strstr(files_error_path(w->files), "/12."));
	/* Nothing is finished any more. */
	body_file_put(b, SPAN("more"));
	w->name = "a";
	body_file_finish(b, &how);
	run_disks(w);
	assert_int_equal(w->done, 0);
	body_file_abandon(&b);
	close_files(w);
	assert_false(exists(w, "a"));
	assert_false(exists(w, FILES_TMP));
}

static void
test_a_full_disk_is_told_apart(void **state)
{
	struct world *w = *state;
	static char piece[1 << 20];
	struct body_file *b;
	int i;

	if (getuid() != 0)
		skip();
	mkdir(w->inner, 0700);
	if (mount("none", w->inner, "tmpfs", 0, "size=2m") == -1)
		skip();
	open_files(w);
	b = body_file_open(w->files, 1);
	for (i = 0; i < 4; i++) {
		body_file_put(b, span_of(piece, sizeof(piece)));
		run_disks(w);
	}
	assert_int_equal(files_error(w->files), E_OUTPUT_NO_SPACE);
	body_file_abandon(&b);
	close_files(w);
	assert_int_equal(umount(w->inner), 0);
}

static void
test_a_file_left_by_an_earlier_run_can_be_removed(void **state)
{
	struct world *w = *state;

	open_files(w);
	assert_int_equal(save(w, 1, "a/b", "x", 0), BODY_FILE_SAVED);
	assert_int_equal(save(w, 2, "c", "x", 0), BODY_FILE_SAVED);
	assert_int_equal(files_remove(w->files, "a/b"), 0);
	assert_int_equal(files_remove(w->files, "a/b"), 0);
	assert_int_equal(files_remove(w->files, "x/y"), 0);
	assert_int_equal(files_remove(w->files, "c/y"), 0);
	assert_int_equal(files_remove(w->files, "../out/c"), EINVAL);
	assert_int_equal(symlink(".", at(w, "link")), 0);
	assert_int_equal(files_remove(w->files, "link/c"), ELOOP);
	assert_false(exists(w, "a/b"));
	assert_true(exists(w, "c"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_body_has_its_name_only_when_it_is_complete),
		TEST(test_the_umask_applies),
		TEST(test_an_empty_body_is_an_empty_file),
		TEST(test_a_name_that_is_taken_gets_the_seq),
		TEST(
		    test_a_file_in_the_place_of_a_directory_renames_the_directory),
		TEST(test_overwrite_replaces_files_of_other_runs_only),
		TEST(test_an_own_name_that_exists_or_is_not_safe_is_a_conflict),
		TEST(test_no_symbolic_link_is_followed),
		TEST(test_overwrite_replaces_a_link_and_not_its_target),
		TEST(test_a_digest_that_differs_publishes_nothing),
		TEST(test_a_partial_body_is_named_so),
		TEST(test_a_body_has_no_room_while_the_writer_is_behind),
		TEST(test_all_bodies_together_have_a_limit),
		TEST(test_what_is_abandoned_leaves_nothing),
		TEST(test_what_a_killed_run_has_left_is_removed),
		TEST(test_what_another_run_uses_stays),
		TEST(test_a_directory_that_cannot_be_used_is_refused),
		TEST(test_names_are_told_before_they_are_given),
		TEST(test_directories_with_new_names_are_synced_once),
		TEST(test_a_file_that_may_not_grow_ends_all),
		TEST(test_a_full_disk_is_told_apart),
		TEST(test_a_file_left_by_an_earlier_run_can_be_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
