// SPDX-License-Identifier: GPL-2.0-only
/*
 * Running many tasks in parallel, each in a process.  Their standard output is
 * written to temporary files first, so that it appears in the order of the
 * tasks, and only if a task has finished it: every task gets one answer,
 * whatever happens to its process.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"

/*
 * Maximum of tasks that have been started, but whose output is not printed yet
 */
#define MAX_WAITING 256

struct task {
	pid_t pid;		/* 0 if it could not be started */
	FILE *out;
	bool done;
	int status;
	char why[64];		/* it has no answer, or "" */
};

static void fail(struct task *task, const char *why)
{
	snprintf(task->why, sizeof(task->why), "%s", why);
	task->done = true;
	task->status = EXIT_ERROR;
}

/* The process of a task: its output goes to the last of @nr files. */
static void __attribute__((noreturn))
be_task(const struct task *tasks, unsigned int nr, task_fn *run,
	const void *data, const char *name)
{
	unsigned int i;

	if (dup2(fileno(tasks[nr - 1].out), STDOUT_FILENO) < 0)
		_exit(EXIT_ERROR);
	/* they count against the number that can be open */
	for (i = 0; i < nr; i++)
		if (tasks[i].out)
			close(fileno(tasks[i].out));
	_exit(finish_output(run(data, name)));
}

/*
 * Start the last of @nr tasks.  If that fails while @others are running, it may
 * work after one of them, and this returns -1.
 */
static int start(struct task *tasks, unsigned int nr, task_fn *run,
		 const void *data, const char *name, bool others)
{
	struct task *task = &tasks[nr - 1];

	*task = (struct task){ .out = tmpfile() };
	fflush(stdout);
	if (task->out)
		task->pid = fork();
	if (!task->out || task->pid < 0) {
		int error = errno;

		if (task->out)
			fclose(task->out);
		*task = (struct task){ 0 };
		if (others)
			return -1;
		fail(task, strerror(error));
		return 0;
	}
	if (!task->pid)
		be_task(tasks, nr, run, data, name);
	return 0;
}

static void finish(struct task *task, int status)
{
	task->done = true;
	if (WIFEXITED(status) && WEXITSTATUS(status) < NR_EXITS) {
		task->status = WEXITSTATUS(status);
		return;
	}
	fail(task, "its process ended unexpectedly");
	if (WIFSIGNALED(status))
		snprintf(task->why, sizeof(task->why),
			 "its process was terminated by signal %d",
			 WTERMSIG(status));
}

/* Wait for one of @nr tasks to end.  Returns how many did. */
static unsigned int wait_for_one(struct task *task, unsigned int nr)
{
	unsigned int i, lost = 0;
	int status;
	pid_t pid;

	/* others may be children of the program that called this one */
	while ((pid = wait(&status)) > 0 || errno == EINTR) {
		for (i = 0; pid > 0 && i < nr; i++) {
			if (task[i].done || task[i].pid != pid)
				continue;
			finish(&task[i], status);
			return 1;
		}
	}
	for (i = 0; i < nr; i++) {
		if (task[i].done)
			continue;
		fail(&task[i], "its process is lost");
		lost++;
	}
	return lost;
}

/* Return whether the output of a task ends with a whole line. */
static bool is_answered(const struct task *task)
{
	return !fseek(task->out, -1, SEEK_END) && getc(task->out) == '\n';
}

/* Print the output of a task, or what happened to it instead. */
static void hand_over(struct task *task, task_lost_fn *lost, const void *data,
		      const char *name)
{
	char buf[4096];
	size_t len;

	if (!task->why[0] && !is_answered(task))
		fail(task, "its process ended without an answer");
	if (task->why[0]) {
		lost(data, name, task->why);
	} else {
		fseek(task->out, 0, SEEK_SET);
		while ((len = fread(buf, 1, sizeof(buf), task->out)) > 0)
			fwrite(buf, 1, len, stdout);
	}
	if (task->out)
		fclose(task->out);
	task->out = NULL;
	fflush(stdout);
}

int jobs_run(unsigned int at_once, char *const names[], unsigned int nr,
	     task_fn *run, task_lost_fn *lost, const void *data,
	     unsigned int count[NR_EXITS])
{
	struct task *tasks = calloc(nr, sizeof(*tasks));
	unsigned int running = 0, next = 0, told = 0;

	if (!tasks) {
		complain("out of memory");
		return -1;
	}
	/* if the caller ignores it, nobody can wait for a process */
	signal(SIGCHLD, SIG_DFL);
	memset(count, 0, NR_EXITS * sizeof(*count));
	while (told < nr) {
		if (next < nr && running < at_once &&
		    next - told < MAX_WAITING &&
		    !start(tasks, next + 1, run, data, names[next], running)) {
			running += !tasks[next].done;
			next++;
			continue;
		}
		running -= wait_for_one(tasks + told, next - told);
		for (; told < next && tasks[told].done; told++) {
			hand_over(&tasks[told], lost, data, names[told]);
			count[tasks[told].status]++;
		}
	}
	free(tasks);
	return 0;
}
