/* capture_file.h - a capture as it is written: by the steward from the flight recorder, by --capture also from the wire.
 *
 * Its interfaces are the two paths and the decisions, in that order, so that a frame's interface is its enum
 * recorder_source. What cannot be written does not leave half a block: a file that can be cut is cut to what is whole.
 */
#ifndef HA_AGENT_CAPTURE_FILE_H
#define HA_AGENT_CAPTURE_FILE_H

#include <signal.h>
#include <sys/types.h>

#include "agent/config.h"
#include "agent/pcapng.h"
#include "agent/recorder.h"

struct capture_file {
	int fd; /* the caller's */
	int error;
	uint8_t buffer[16384];
	size_t buffered;
	off_t whole;                        /* bytes in the file that are to stay: whole blocks */
	const volatile sig_atomic_t *ended; /* NULL, or: a pipe is not waited for any more */
};

/* Header and interfaces. This and the others: 0 or -errno, the first that occurred. */
int capture_file_begin(struct capture_file *, int fd, const struct config *);
int capture_file_frame(struct capture_file *, const struct pcapng_frame *);
int capture_file_flush(struct capture_file *);

/* Wall clock minus CLOCK_BOOTTIME, now: what makes times of day of the recorder's. */
int64_t capture_file_offset(void);

/* What the recorder has, until its reader's end, of the times from `since` to `until` (CLOCK_BOOTTIME). decisions_only:
 * nothing else. 0 or -errno. */
int capture_file_recorded(struct capture_file *, struct recorder_reader *, int64_t offset,
			  ha_time since, ha_time until, bool decisions_only);

#endif
