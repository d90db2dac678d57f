/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the folder admin/; admin_files.c has the same names. */
        .section .rodata

        .macro  file name, path
        .globl  admin_\name, admin_\name\()_end
        .hidden admin_\name, admin_\name\()_end
admin_\name:
        .incbin "edge/admin/\path"
admin_\name\()_end:
        .byte   0
        .endm

        file    page,   admin.html
        file    style,  admin.css
        file    script, admin.js
        file    parts,  admin_parts.js
        file    world,  admin_world.js
        file    icon,   admin_icon.svg

        .section .note.GNU-stack, "", %progbits
