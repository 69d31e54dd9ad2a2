/* SPDX-License-Identifier: ISC */
/*
 * The pool on a kernel without pidfds, which is this one once it refuses to
 * give any.
 */
#include "io_pool_world.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static int
refuse_pidfds(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { 4, code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0
		   ? 0
		   : -1;
}

static void
test_exits_are_noticed_and_judged_without_pidfds(void **state)
{
	static const struct {
		const char *text;
		enum parse_error error;
	} rows[] = { { "signal 11", PARSE_CRASHED },
		{ "signal 31", PARSE_SANDBOX }, { "exit 71", PARSE_OOM },
		{ "hang", PARSE_TIMEOUT }, { "truncated x", PARSE_PROTOCOL } };
	struct world w;
	struct doc d[2];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world_open(&w, 1);
		w.conf.time_us = 200 * MS;
		world_start(&w);
		assert_int_equal(
		    CONTAINER(list_first(&w.pool->procs), struct proc, link)
			->pidfd,
		    -1);
		put(&w, &d[0], rows[i].text);
		put(&w, &d[1], "echo b");
		run(&w, 2);
		expect(&d[0], rows[i].error, "");
		expect(&d[1], PARSE_OK, "\"b\"");
		RUN_UNTIL(&w, w.pool->procs.n == 1);
		world_close(&w);
	}
}

static void
test_many_crashes_at_once_leave_no_process(void **state)
{
	struct world w;
	struct doc d[60];
	int i;

	(void)state;
	world_open(&w, 10);
	world_start(&w);
	for (i = 0; i < 60; i++)
		put(&w, &d[i], "signal 6");
	run(&w, 60);
	RUN_UNTIL(&w, w.pool->procs.n == 10);
	for (i = 0; i < 60; i++)
		expect(&d[i], PARSE_CRASHED, "");
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_exits_are_noticed_and_judged_without_pidfds),
		cmocka_unit_test(test_many_crashes_at_once_leave_no_process),
	};

	if (refuse_pidfds() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
