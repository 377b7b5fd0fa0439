/* file.h - small files, read and replaced as a whole; and a write that is one.
 *
 * A file is either the old one or the new one, whatever happens in between: the new content is on disk under another
 * name before it takes the place of the old, and the directory is on disk before success is reported.
 */
#ifndef HA_AGENT_FILE_H
#define HA_AGENT_FILE_H

#include <stddef.h>
#include <stdint.h>

/* Reads the regular file name of the directory (AT_FDCWD: as the path says). *len is what it holds. 0; -ENOENT;
 * -EFBIG if it holds more than cap bytes; -EISDIR or -EINVAL if it is something else than a file; other -errno. */
int file_read(int directory, const char *name, uint8_t *out, size_t cap, size_t *len);

/* All of it, as often as it takes. 0 or -errno; then some of it may have been written. */
int file_write(int fd, const uint8_t *bytes, size_t len);

/* Mode 0600. temporary is a name in the same directory; what stands there from an interrupted run is removed. 0 or
 * -errno; then name still holds the old content, unless only the last step failed, the directory's. */
int file_replace(int directory, const char *name, const char *temporary, const uint8_t *bytes,
		 size_t len);

#endif
