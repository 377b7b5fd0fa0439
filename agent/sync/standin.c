/* standin.c - until proto/sync_msg.c is there. Weak, so that the two can meet. */
#include <string.h>

#include "proto/cursor.h"
#include "proto/sync_msg.h"

__attribute__((weak)) size_t sync_encode_entry(uint8_t *out, size_t cap, const struct sync_entry *e)
{
	struct cursor_writer w;

	cursor_write(&w, out, cap);
	cursor_put_u8(&w, e->type);
	cursor_put_u8(&w, e->root);
	cursor_put_u16(&w, e->mode);
	cursor_put_u32(&w, e->uid);
	cursor_put_u32(&w, e->gid);
	cursor_put_u64(&w, (uint64_t)e->mtime_ns);
	cursor_put_u64(&w, e->size);
	cursor_put_bytes(&w, e->hash, sizeof(e->hash));
	cursor_put_u16(&w, e->path_len);
	cursor_put_bytes(&w, e->path, e->path_len);
	cursor_put_u32(&w, e->xattr_len);
	cursor_put_bytes(&w, e->xattr, e->xattr_len);
	cursor_put_u16(&w, e->target_len);
	cursor_put_bytes(&w, e->target, e->target_len);
	return cursor_written(&w);
}

static bool component_valid(const char *name, size_t len)
{
	return len > 0 && len <= SYNC_NAME_MAX && !(len == 1 && name[0] == '.') &&
	       !(len == 2 && name[0] == '.' && name[1] == '.') && memchr(name, 0, len) == NULL;
}

__attribute__((weak)) bool sync_path_valid(const char *path, size_t len)
{
	if (len > SYNC_PATH_MAX)
		return false;
	for (size_t at = 0; len > 0;) {
		const char *slash = memchr(path + at, '/', len - at);
		size_t n = slash == NULL ? len - at : (size_t)(slash - path) - at;

		if (!component_valid(path + at, n))
			return false;
		if (slash == NULL)
			return true;
		at += n + 1;
	}
	return true;
}
