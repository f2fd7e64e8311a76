// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many tasks on all cores: a process each, whose standard output goes to a file
 * first, so that the answers come in the order of the tasks.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"

/* Started tasks whose answers wait for that of an earlier one */
#define MAX_WAITING 256

struct job {
	pid_t pid;
	FILE *out;
	bool done;
	int status;
};

static int start(struct job *job, job_fn *task, void *data, const char *name)
{
	*job = (struct job){ .out = tmpfile() };
	fflush(stdout);
	if (job->out)
		job->pid = fork();
	if (!job->out || job->pid < 0) {
		complain("%s: can't start: %s", name, strerror(errno));
		return -1;
	}
	if (!job->pid) {
		if (dup2(fileno(job->out), STDOUT_FILENO) < 0)
			_exit(EXIT_ERROR);
		_exit(finish_output(task(data, name)));
	}
	return 0;
}

/* Wait until one of the jobs has ended. */
static void wait_for_one(struct job *job, unsigned int nr)
{
	unsigned int i;
	int status;
	pid_t pid;

	do
		pid = wait(&status);
	while (pid < 0 && errno == EINTR);
	for (i = 0; i < nr; i++) {
		if (job[i].done || job[i].pid != pid)
			continue;
		job[i].done = true;
		job[i].status = WIFEXITED(status) &&
				WEXITSTATUS(status) < NR_EXITS ?
				WEXITSTATUS(status) : EXIT_ERROR;
		if (!WIFEXITED(status))
			complain("a process was ended by signal %d",
				 WTERMSIG(status));
	}
}

/* Pass on what the job printed. */
static void hand_over(struct job *job)
{
	char buf[4096];
	size_t len;

	fseek(job->out, 0, SEEK_SET);
	while ((len = fread(buf, 1, sizeof(buf), job->out)) > 0)
		fwrite(buf, 1, len, stdout);
	fclose(job->out);
	fflush(stdout);
}

int jobs_run(unsigned int at_once, char *const names[], unsigned int nr,
	     job_fn *task, void *data, unsigned int count[NR_EXITS])
{
	struct job *jobs = calloc(nr, sizeof(*jobs));
	unsigned int running = 0, next = 0, told = 0;
	int ret = 0;

	if (!jobs) {
		complain("out of memory");
		return -1;
	}
	memset(count, 0, NR_EXITS * sizeof(*count));
	while (told < next || (next < nr && !ret)) {
		if (next < nr && !ret && running < at_once &&
		    next - told < MAX_WAITING) {
			ret = start(&jobs[next], task, data, names[next]);
			running += !ret;
			next += !ret;
			continue;
		}
		wait_for_one(jobs + told, next - told);
		running--;
		for (; told < next && jobs[told].done; told++) {
			hand_over(&jobs[told]);
			count[jobs[told].status]++;
		}
	}
	free(jobs);
	return ret;
}
