// SPDX-License-Identifier: GPL-2.0-only
/*
 * Running many tasks in parallel, each in a process.  Their standard output is
 * written to temporary files first, so that it appears in the order of the
 * tasks.
 */

#include <errno.h>
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
	pid_t pid;
	FILE *out;
	bool done;
	int status;
};

static int start(struct task *task, task_fn *run, const void *data,
		 const char *name)
{
	*task = (struct task){ .out = tmpfile() };
	fflush(stdout);
	if (task->out)
		task->pid = fork();
	if (!task->out || task->pid < 0) {
		complain("%s: cannot start a process: %s", name, strerror(errno));
		return -1;
	}
	if (!task->pid) {
		if (dup2(fileno(task->out), STDOUT_FILENO) < 0)
			_exit(EXIT_ERROR);
		_exit(finish_output(run(data, name)));
	}
	return 0;
}

/* Wait for a task to end. */
static void wait_for_one(struct task *task, unsigned int nr)
{
	unsigned int i;
	int status;
	pid_t pid;

	do
		pid = wait(&status);
	while (pid < 0 && errno == EINTR);
	for (i = 0; i < nr; i++) {
		if (task[i].done || task[i].pid != pid)
			continue;
		task[i].done = true;
		task[i].status = WIFEXITED(status) &&
				WEXITSTATUS(status) < NR_EXITS ?
				WEXITSTATUS(status) : EXIT_ERROR;
		if (!WIFEXITED(status))
			complain("a process was terminated by signal %d",
				 WTERMSIG(status));
	}
}

/* Print the output of a task. */
static void hand_over(struct task *task)
{
	char buf[4096];
	size_t len;

	fseek(task->out, 0, SEEK_SET);
	while ((len = fread(buf, 1, sizeof(buf), task->out)) > 0)
		fwrite(buf, 1, len, stdout);
	fclose(task->out);
	fflush(stdout);
}

int jobs_run(unsigned int at_once, char *const names[], unsigned int nr,
	     task_fn *run, const void *data, unsigned int count[NR_EXITS])
{
	struct task *tasks = calloc(nr, sizeof(*tasks));
	unsigned int running = 0, next = 0, told = 0;
	int ret = 0;

	if (!tasks) {
		complain("out of memory");
		return -1;
	}
	memset(count, 0, NR_EXITS * sizeof(*count));
	while (told < next || (next < nr && !ret)) {
		if (next < nr && !ret && running < at_once &&
		    next - told < MAX_WAITING) {
			ret = start(&tasks[next], run, data, names[next]);
			running += !ret;
			next += !ret;
			continue;
		}
		wait_for_one(tasks + told, next - told);
		running--;
		for (; told < next && tasks[told].done; told++) {
			hand_over(&tasks[told]);
			count[tasks[told].status]++;
		}
	}
	free(tasks);
	return ret;
}
