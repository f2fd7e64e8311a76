// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cut a program off at any point: kill_at N COMMAND... kills COMMAND with
 * SIGKILL before its system call number N, counted from 1.  Prints how many
 * system calls it made.  The exit status is that of COMMAND, or 137 if it was
 * killed.
 */

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	unsigned long nr = 0, last;
	bool entering = true;
	int status;
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "Usage: kill_at N COMMAND...\n");
		return 2;
	}
	last = strtoul(argv[1], NULL, 10);
	pid = fork();
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execv(argv[2], argv + 2);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, NULL,
	       PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	for (;;) {
		int signal = 0;

		if (WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			if (entering && ++nr == last)
				kill(pid, SIGKILL);
			entering = !entering;
		} else if (WIFSTOPPED(status) && WSTOPSIG(status) != SIGTRAP &&
			   WSTOPSIG(status) != SIGSTOP) {
			signal = WSTOPSIG(status);
		}
		ptrace(PTRACE_SYSCALL, pid, NULL, signal);
		if (waitpid(pid, &status, 0) < 0)
			return 2;
		if (!WIFSTOPPED(status))
			break;
	}
	printf("%lu\n", nr);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
