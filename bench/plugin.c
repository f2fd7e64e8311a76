// SPDX-License-Identifier: GPL-2.0-only
/*
 * A TCG plugin of QEMU: counts the instructions that the guest's kernel executes,
 * by parts of it. For one processor.
 *
 *	-plugin file=plugin.so,map=FILE,out=FILE
 *
 * A line of the map is one of
 *
 *	group NAME		a part of the kernel
 *	code START END NAME	addresses (hex) that belong to that group; in
 *				ascending order, without overlaps
 *	mark ADDRESS NAME	a mark is made when this is executed
 *	wait ADDRESS USEC	the processor waits when this is executed
 *
 * A mark is a line in the output: its name, the instructions in the whole kernel
 * so far, and those in each group, in the map's order. The guest makes mark N, too,
 * by executing address MARKS + N.
 *
 * The wait is for a device to finish what the guest would poll for: how often it
 * polls depends on the host's load, and is no property of the guest.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Of QEMU's plugin interface, which Debian has no header for. These functions are
 * the same in all versions of it so far; PLUGIN_VERSION is which one QEMU accepts.
 */
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { QEMU_PLUGIN_CB_NO_REGS };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
	void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
	void (*cb)(unsigned int vcpu, void *data), int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
	void (*cb)(unsigned int vcpu, void *data), int flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
	void (*cb)(qemu_plugin_id_t id, void *data), void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

__attribute__((visibility("default"))) int qemu_plugin_version = PLUGIN_VERSION;

#define KERNEL_TEXT	0xffffffff80000000ULL
#define MAX_GROUPS	16

struct range {
	uint64_t start, end;
	unsigned int group;
};

/* What to do when an address is executed */
struct event {
	uint64_t address;
	unsigned int usec;	/* 0: a mark */
	char name[64];
};

static char groups[MAX_GROUPS][64];
static unsigned int nr_groups;
static struct range *ranges;
static size_t nr_ranges;
static struct event *events;
static size_t nr_events;

static uint64_t in_kernel, in_group[MAX_GROUPS];
static FILE *output;

/* What one block adds. Lives as long as QEMU, which may execute it until then. */
struct block {
	unsigned int kernel, group[MAX_GROUPS];
};

static void count_block(unsigned int vcpu, void *data)
{
	const struct block *block = data;
	unsigned int i;

	(void)vcpu;
	in_kernel += block->kernel;
	for (i = 0; i < nr_groups; i++)
		in_group[i] += block->group[i];
}

static void write_mark(const char *name)
{
	unsigned int i;

	fprintf(output, "%s %" PRIu64, name, in_kernel);
	for (i = 0; i < nr_groups; i++)
		fprintf(output, " %" PRIu64, in_group[i]);
	fputc('\n', output);
}

static void guest_mark(unsigned int vcpu, void *data)
{
	char name[32];

	(void)vcpu;
	snprintf(name, sizeof(name), "%u", (unsigned int)(uintptr_t)data);
	write_mark(name);
}

static void handle_event(unsigned int vcpu, void *data)
{
	const struct event *event = data;

	(void)vcpu;
	if (event->usec)
		usleep(event->usec);
	else
		write_mark(event->name);
}

static const struct range *find_range(uint64_t address)
{
	size_t low = 0, high = nr_ranges;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (address < ranges[middle].start)
			high = middle;
		else if (address >= ranges[middle].end)
			low = middle + 1;
		else
			return &ranges[middle];
	}
	return NULL;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t start = qemu_plugin_tb_vaddr(tb);
	size_t i, j, n = qemu_plugin_tb_n_insns(tb);
	struct block *block;

	(void)id;
	if (start >= MARKS && start < MARKS + 4096) {
		qemu_plugin_register_vcpu_tb_exec_cb(tb, guest_mark, QEMU_PLUGIN_CB_NO_REGS,
						     (void *)(uintptr_t)(start - MARKS));
		return;
	}
	if (start < KERNEL_TEXT)
		return;

	block = calloc(1, sizeof(*block));
	if (!block)
		abort();
	block->kernel = n;
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t address = qemu_plugin_insn_vaddr(insn);
		const struct range *range = find_range(address);

		if (range)
			block->group[range->group]++;
		for (j = 0; j < nr_events; j++)
			if (events[j].address == address)
				qemu_plugin_register_vcpu_insn_exec_cb(insn, handle_event, QEMU_PLUGIN_CB_NO_REGS,
								       &events[j]);
	}
	qemu_plugin_register_vcpu_tb_exec_cb(tb, count_block, QEMU_PLUGIN_CB_NO_REGS, block);
}

static void finish(qemu_plugin_id_t id, void *data)
{
	(void)id;
	(void)data;
	if (fclose(output))
		perror("plugin: output");
}

static void *grow(void *array, size_t n, size_t size)
{
	array = realloc(array, (n + 1) * size);
	if (!array)
		abort();
	return array;
}

static bool parse_code(const char *line)
{
	struct range range;
	char name[64];

	if (sscanf(line, "code %" SCNx64 " %" SCNx64 " %63s", &range.start, &range.end, name) != 3)
		return false;
	for (range.group = 0; range.group < nr_groups; range.group++)
		if (!strcmp(groups[range.group], name))
			break;
	if (range.group == nr_groups || range.start >= range.end ||
	    (nr_ranges && range.start < ranges[nr_ranges - 1].end))
		return false;
	ranges = grow(ranges, nr_ranges, sizeof(*ranges));
	ranges[nr_ranges++] = range;
	return true;
}

static bool parse_event(const char *line)
{
	struct event event = {};

	if (sscanf(line, "mark %" SCNx64 " %63s", &event.address, event.name) != 2 &&
	    (sscanf(line, "wait %" SCNx64 " %u", &event.address, &event.usec) != 2 || !event.usec))
		return false;
	events = grow(events, nr_events, sizeof(*events));
	events[nr_events++] = event;
	return true;
}

static bool read_map(const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned int number = 0;
	char line[256];
	bool ok = true;

	if (!file) {
		fprintf(stderr, "plugin: %s: %s\n", path, strerror(errno));
		return false;
	}
	while (ok && fgets(line, sizeof(line), file)) {
		number++;
		if (nr_groups < MAX_GROUPS && sscanf(line, "group %63s", groups[nr_groups]) == 1)
			nr_groups++;
		else
			ok = parse_code(line) || parse_event(line);
		if (!ok)
			fprintf(stderr, "plugin: %s:%u: not understood: %s", path, number, line);
	}
	fclose(file);
	return ok;
}

__attribute__((visibility("default")))
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	const char *map = NULL, *out = NULL;
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "map=", 4))
			map = argv[i] + 4;
		else if (!strncmp(argv[i], "out=", 4))
			out = argv[i] + 4;
	}
	if (!map || !out) {
		fprintf(stderr, "plugin: map= or out= is missing\n");
		return -1;
	}
	if (!read_map(map))
		return -1;
	output = fopen(out, "w");
	if (!output) {
		fprintf(stderr, "plugin: %s: %s\n", out, strerror(errno));
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
