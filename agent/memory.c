/* memory.c - see memory.h. */
#include "agent/memory.h"

#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	HEAP_LEN =
		1 << 20, /* libpcap and libmnl allocate at start and when an interface comes back */
	STACK_LEN = 256 << 10,
};

/* Called while the processes run; "" is the program itself. */
static const char *const in_use[] = {"", "libc.so", "libsodium", "libmnl", "libpcap", "libjansson"};

void memory_prepare(void)
{
	uint8_t stack[STACK_LEN];
	void *heap;

	mallopt(M_TRIM_THRESHOLD, -1);
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TOP_PAD, HEAP_LEN);
	explicit_bzero(stack, sizeof(stack)); /* touched */
	heap = malloc(HEAP_LEN);
	if (heap != NULL)
		explicit_bzero(heap, HEAP_LEN);
	free(heap);
}

static int is_in_use(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(in_use) / sizeof(*in_use); i++)
		if (in_use[i][0] == '\0' ? name[0] == '\0'
					 : strncmp(name, in_use[i], strlen(in_use[i])) == 0)
			return 1;
	return 0;
}

static int lock_object(struct dl_phdr_info *object, size_t size, void *error)
{
	(void)size;
	if (!is_in_use(object->dlpi_name))
		return 0;
	for (unsigned i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD &&
		    mlock((void *)(object->dlpi_addr + segment->p_vaddr), segment->p_memsz) != 0)
			*(int *)error = -errno;
	}
	return 0;
}

int memory_lock(void)
{
	int error = 0;

	if (mlockall(MCL_CURRENT | MCL_ONFAULT) != 0)
		return -errno;
	dl_iterate_phdr(lock_object, &error);
	return error;
}
