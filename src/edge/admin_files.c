/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/admin_files.h"

/* admin_bytes.S has the bytes. */
#define FILE_BYTES(name) extern const uint8_t admin_##name[], admin_##name##_end[];
FILE_BYTES(page)
FILE_BYTES(style)
FILE_BYTES(script)
FILE_BYTES(parts)
FILE_BYTES(world)
FILE_BYTES(icon)
#undef FILE_BYTES

#define SCRIPT "text/javascript; charset=utf-8"
const struct admin_file admin_files[] = {
    {"/", "text/html; charset=utf-8", admin_page, admin_page_end},
    {"/admin.css", "text/css; charset=utf-8", admin_style, admin_style_end},
    {"/admin.js", SCRIPT, admin_script, admin_script_end},
    {"/admin_parts.js", SCRIPT, admin_parts, admin_parts_end},
    {"/admin_world.js", SCRIPT, admin_world, admin_world_end},
    {"/admin_icon.svg", "image/svg+xml", admin_icon, admin_icon_end},
};
const size_t admin_file_count = sizeof(admin_files) / sizeof(admin_files[0]);
