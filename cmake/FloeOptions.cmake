# The language, the warnings and the sanitizers: the same for every file of the tree.
set(FLOE_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")
option(FLOE_FUZZ "Build the libFuzzer targets (clang)" OFF)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
# Sanitizers and debuggers want readable frames, but without any optimisation the whole test suite is too slow.
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")

# Left empty, so that a file which defines it itself defines it alike.
add_compile_definitions(_GNU_SOURCE=)
# A library that a newer system calls deprecated is told, and stops nobody from building.
add_compile_options(
    -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror
    -Wno-error=deprecated-declarations
    -fno-omit-frame-pointer -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
include_directories(${CMAKE_SOURCE_DIR})
add_link_options(-Wl,--as-needed)

if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    add_compile_definitions(FLOE_DEBUG)
endif()
if(FLOE_SANITIZE)
    add_compile_options(-fsanitize=${FLOE_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${FLOE_SANITIZE})
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        # gcc warns after the sanitizers have rewritten the code, and then of things that no one wrote; the plain builds are
        # the ones without a warning.
        add_compile_options(-Wno-error -Wno-sign-conversion -Wno-maybe-uninitialized -Wno-format-truncation)
    endif()
endif()
if(FLOE_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(FLOE_CCACHE ccache)
if(FLOE_CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER ${FLOE_CCACHE})
endif()

find_package(Threads REQUIRED)
