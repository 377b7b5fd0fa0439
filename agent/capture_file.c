/* capture_file.c - see capture_file.h. */
#include "agent/capture_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "agent/loop.h"

static int write_all(const struct capture_file *file, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(file->fd, bytes, len);

		if ((n < 0 && errno == EINTR) || (n > 0 && (size_t)n < len)) {
			if (file->ended != NULL && *file->ended)
				return -EINTR;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

int capture_file_flush(struct capture_file *file)
{
	if (file->error != 0 || file->buffered == 0)
		return file->error;
	file->error = write_all(file, file->buffer, file->buffered);
	if (file->error == 0)
		file->whole += (off_t)file->buffered;
	else if (ftruncate(file->fd, file->whole) != 0)
		file->whole = 0; /* a pipe: what has gone has gone */
	file->buffered = 0;
	return file->error;
}

static int append(struct capture_file *file, const uint8_t *block, size_t len)
{
	assert(len > 0 && len <= sizeof(file->buffer));
	if (len > sizeof(file->buffer) - file->buffered)
		(void)capture_file_flush(file);
	if (file->error != 0)
		return file->error;
	memcpy(file->buffer + file->buffered, block, len);
	file->buffered += len;
	return 0;
}

/* What stands before it, in a file that is appended to, is somebody else's. */
static off_t beginning(int fd)
{
	off_t at = lseek(fd, 0, (fcntl(fd, F_GETFL) & O_APPEND) != 0 ? SEEK_END : SEEK_CUR);

	return at < 0 ? 0 : at; /* a pipe */
}

int capture_file_begin(struct capture_file *file, int fd, const struct config *config)
{
	static const char *const name[RECORDER_SOURCE_N] = {"link", "management", "decisions"};
	const char *on[RECORDER_SOURCE_N] = {config->link, config->management,
					     "what this node decided"};
	uint8_t block[PCAPNG_BLOCK_MAX];
	struct utsname host;
	char os[160] = "Linux";

	*file = (struct capture_file){.fd = fd, .whole = beginning(fd)};
	if (uname(&host) == 0)
		snprintf(os, sizeof(os), "%s %s", host.sysname, host.release);
	(void)append(
		file, block,
		pcapng_section(block, sizeof(block), config->model, os, "haagent " HA_VERSION));
	for (int i = 0; i < RECORDER_SOURCE_N; i++)
		(void)append(file, block, pcapng_interface(block, sizeof(block), name[i], on[i]));
	return file->error;
}

int capture_file_frame(struct capture_file *file, const struct pcapng_frame *frame)
{
	uint8_t block[PCAPNG_BLOCK_MAX];

	return append(file, block, pcapng_frame(block, sizeof(block), frame));
}

int64_t capture_file_offset(void)
{
	struct timespec wall;
	ha_time now = loop_now();
	int error = clock_gettime(CLOCK_REALTIME, &wall);

	assert(error == 0);
	return (int64_t)wall.tv_sec * HA_SEC + wall.tv_nsec - now;
}

int capture_file_recorded(struct capture_file *file, struct recorder_reader *reader, int64_t offset,
			  ha_time since, ha_time until, bool decisions_only)
{
	struct recorded recorded;

	while (recorder_next(reader, &recorded)) {
		struct pcapng_frame frame = {
			.interface = recorded.source,
			.direction = recorded.source == RECORDER_DECISIONS ? PCAPNG_UNKNOWN
				     : recorded.outgoing                   ? PCAPNG_OUTBOUND
									   : PCAPNG_INBOUND,
			.bytes = recorded.frame,
			.len = (uint32_t)recorded.len,
			.wire_len = (uint32_t)recorded.len,
		};

		if (recorded.at < since || recorded.at > until || /* it may be anything */
		    (decisions_only && recorded.source != RECORDER_DECISIONS))
			continue;
		frame.time_ns = (uint64_t)(recorded.at + offset);
		if (capture_file_frame(file, &frame) != 0)
			break;
	}
	return file->error;
}
