# SPDX-License-Identifier: Apache-2.0
#
# Compiler and linker flags of each flavour. CMAKE_BUILD_TYPE stays empty: all flags are here.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

add_compile_options(
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wvla
  -Wpointer-arith -Wwrite-strings -Wundef -Wformat=2 -Wimplicit-fallthrough
  # Callbacks and table rows leave parameters and trailing fields unused on purpose.
  -Wno-unused-parameter -Wno-missing-field-initializers)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  # A guess of gcc's, wrong about out-parameters that are untouched on failure. clang's analysis and
  # the sanitizers stay.
  add_compile_options(-Wno-maybe-uninitialized)
endif()
if(STINT_WERROR)
  add_compile_options(-Werror)
endif()
add_compile_definitions(_GNU_SOURCE)
add_compile_options(-fvisibility=hidden -ffunction-sections -fdata-sections)
# Guests' floats: square roots are instructions, and a product is rounded before it is added, on
# machines with fused multiply-add as well (src/interp/numeric.h, simd.h).
add_compile_options(-fno-math-errno -ffp-contract=off)

# Flags that harden the code around the interpreter. The handlers have their own (src/interp).
set(hardening -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
set(hardening_link -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--gc-sections -Wl,--as-needed)

# Start-up of an empty program, fork to exit, best tenth of 1,500 runs, with a table of 4,000
# function pointers that the loader must relocate (Zen 4, glibc 2.36): no-pie 567 us, PIE with packed
# relocations (RELR) 595 us, PIE without 611 us; hello world without the table 563 us. So PIE stays,
# and RELR pays half of it back. libm costs 105 us: nothing that `stint run` needs may call it.
if(STINT_FLAVOUR STREQUAL "release")
  # Fat objects hold both bitcode, for our own links, and machine code, for whoever links the
  # installed libstint.a with another compiler.
  add_compile_options(-O2 ${hardening} -flto=thin -ffat-lto-objects)
  add_link_options(-O2 -fuse-ld=lld -flto=thin -ffat-lto-objects ${hardening_link} -Wl,-O2
                   -Wl,-z,pack-relative-relocs)
elseif(STINT_FLAVOUR STREQUAL "gcc")
  add_compile_options(-O2 ${hardening})
  add_link_options(${hardening_link})
elseif(STINT_FLAVOUR STREQUAL "debug")
  set(STINT_SANITIZE address,undefined CACHE STRING "What the debug build is checked for.")
  set(sanitize -fsanitize=${STINT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_compile_options(-O1 -g ${sanitize})
  add_link_options(-fuse-ld=lld ${sanitize})
elseif(STINT_FLAVOUR STREQUAL "device")
  # clang with LTO makes a program 5 % smaller than musl-gcc does (267 to 280 KB when last compared);
  # `make device CC_device=musl-gcc` still builds.
  set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
  add_compile_options(-fno-pie -fno-asynchronous-unwind-tables -fno-unwind-tables
                      -fno-stack-protector -fno-ident -fomit-frame-pointer)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|i.86")
    add_compile_options(-fcf-protection=none)
  endif()
  add_link_options(-static -s ${hardening_link} -Wl,--build-id=none)
  if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
    # musl-gcc is gcc with musl's headers and start files; for clang the same is spelt out here.
    set(musl ${CMAKE_SYSTEM_PROCESSOR}-linux-musl)
    execute_process(COMMAND ${CMAKE_C_COMPILER} -print-libgcc-file-name -rtlib=compiler-rt
                    OUTPUT_VARIABLE builtins OUTPUT_STRIP_TRAILING_WHITESPACE)
    add_compile_options(--target=${musl} -nostdlibinc -isystem /usr/include/${musl} -Oz -flto)
    add_link_options(--target=${musl} -Wno-unused-command-line-argument -fuse-ld=lld -flto -Oz -nostdlib
                     -Wl,--icf=all -Wl,-mllvm,-enable-machine-outliner=always
                     /usr/lib/${musl}/crt1.o /usr/lib/${musl}/crti.o)
    set(CMAKE_C_STANDARD_LIBRARIES "-L/usr/lib/${musl} -lc ${builtins} /usr/lib/${musl}/crtn.o")
  else()
    add_compile_options(-Os)
    add_link_options(-no-pie)
  endif()
elseif(STINT_FLAVOUR STREQUAL "fuzz")
  set(sanitize -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_compile_options(-O1 -g ${sanitize} -fsanitize=fuzzer-no-link)
  add_link_options(-fuse-ld=lld ${sanitize})
else()
  message(FATAL_ERROR "STINT_FLAVOUR is ${STINT_FLAVOUR}: not one of release, debug, gcc, device, fuzz")
endif()
