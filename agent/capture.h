/* capture.h - --capture: what the agent remembers, and then what goes over both paths, into one file.
 *
 * Root opens the interfaces, the file and the control socket; then nothing is left of root's rights, and only then a frame
 * is looked at. It works without an agent as well, but for what one would remember.
 */
#ifndef HA_AGENT_CAPTURE_H
#define HA_AGENT_CAPTURE_H

#include <stdint.h>

/* file: "-" is standard output; else it must not exist. seconds: of recording; 0: until SIGINT or SIGTERM. The exit
 * status. */
int capture_main(const char *config_file, const char *file, uint32_t seconds);

#endif
