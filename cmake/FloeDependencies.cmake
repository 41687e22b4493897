# Third-party libraries as targets named third_party::NAME. What the system does not have in the version we need lies in the
# cache, where tools/deps.sh put it; the same script knows the paths, so nobody has to pass them.
find_package(PkgConfig REQUIRED)

execute_process(COMMAND ${CMAKE_SOURCE_DIR}/tools/deps.sh --paths OUTPUT_VARIABLE paths RESULT_VARIABLE failed)
if(failed)
    message(FATAL_ERROR "tools/deps.sh --paths failed (above)")
endif()
string(REGEX MATCHALL "[A-Z_]+=[^\n]*" paths "${paths}")
foreach(line IN LISTS paths)
    string(REGEX MATCH "^([A-Z_]+)='?([^']*)'?$" line "${line}")
    if(NOT ${CMAKE_MATCH_1})
        set(${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
    endif()
endforeach()

function(floe_system_library name package)
    pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${package})
    add_library(third_party::${name} INTERFACE IMPORTED GLOBAL)
    target_link_libraries(third_party::${name} INTERFACE PkgConfig::${name})
endfunction()

# A library whose package has no pkg-config file on every system.
function(floe_plain_library name header library)
    find_path(${name}_include ${header} REQUIRED)
    find_library(${name}_library ${library} REQUIRED)
    add_library(third_party::${name} INTERFACE IMPORTED GLOBAL)
    target_include_directories(third_party::${name} SYSTEM INTERFACE ${${name}_include})
    target_link_libraries(third_party::${name} INTERFACE ${${name}_library})
endfunction()

floe_system_library(yaml yaml-0.1)
floe_system_library(jansson jansson)
floe_system_library(sqlite3 sqlite3)
floe_system_library(zstd libzstd)
floe_system_library(microhttpd libmicrohttpd)
floe_system_library(rdkafka rdkafka)
floe_system_library(zlib zlib)
floe_system_library(openssl openssl)
floe_system_library(expat expat)
floe_system_library(openblas openblas)
floe_plain_library(lmdb lmdb.h lmdb)
floe_plain_library(snappy snappy-c.h snappy)

if(NOT EXISTS ${FLOE_DUCKDB_DIR}/lib/libduckdb.so)
    message(FATAL_ERROR "libduckdb is not in the cache (${FLOE_DUCKDB_DIR}): run ./dev build once, with a network")
endif()
add_library(third_party::duckdb SHARED IMPORTED GLOBAL)
set_target_properties(third_party::duckdb PROPERTIES
    IMPORTED_LOCATION ${FLOE_DUCKDB_DIR}/lib/libduckdb.so
    IMPORTED_SONAME libduckdb.so
    INTERFACE_INCLUDE_DIRECTORIES ${FLOE_DUCKDB_DIR}/include)

add_library(third_party::hiredis INTERFACE IMPORTED GLOBAL)
if(FLOE_HIREDIS_DIR)
    if(NOT EXISTS ${FLOE_HIREDIS_DIR}/lib/libhiredis.a)
        message(FATAL_ERROR "hiredis is not in the cache (${FLOE_HIREDIS_DIR}): run ./dev build once, with a network")
    endif()
    target_include_directories(third_party::hiredis SYSTEM INTERFACE ${FLOE_HIREDIS_DIR}/include)
    target_link_libraries(third_party::hiredis INTERFACE
        ${FLOE_HIREDIS_DIR}/lib/libhiredis_ssl.a ${FLOE_HIREDIS_DIR}/lib/libhiredis.a third_party::openssl)
else()
    pkg_check_modules(hiredis REQUIRED IMPORTED_TARGET hiredis hiredis_ssl)
    target_link_libraries(third_party::hiredis INTERFACE PkgConfig::hiredis)
endif()

# FAISS is C++ inside, and its threads are OpenMP's; its C API hides both. OpenBLAS has LAPACK in it.
add_library(third_party::faiss INTERFACE IMPORTED GLOBAL)
if(FLOE_FAISS_DIR)
    if(NOT EXISTS ${FLOE_FAISS_DIR}/lib/libfaiss_c.a)
        message(FATAL_ERROR "FAISS is not in the cache (${FLOE_FAISS_DIR}): run ./dev build once, with a network")
    endif()
    # Libraries of their own, so that each stands before what it needs on the linker's line.
    add_library(third_party::faiss_core STATIC IMPORTED GLOBAL)
    set_target_properties(third_party::faiss_core PROPERTIES IMPORTED_LOCATION ${FLOE_FAISS_DIR}/lib/libfaiss.a)
    target_link_libraries(third_party::faiss_core INTERFACE third_party::openblas gomp stdc++ m)
    add_library(third_party::faiss_c STATIC IMPORTED GLOBAL)
    set_target_properties(third_party::faiss_c PROPERTIES IMPORTED_LOCATION ${FLOE_FAISS_DIR}/lib/libfaiss_c.a)
    target_link_libraries(third_party::faiss_c INTERFACE third_party::faiss_core)
    target_include_directories(third_party::faiss SYSTEM INTERFACE ${FLOE_FAISS_DIR}/include)
    target_link_libraries(third_party::faiss INTERFACE third_party::faiss_c)
    if(FLOE_FAISS_DIR MATCHES "-avx2-")
        target_compile_definitions(third_party::faiss INTERFACE FLOE_FAISS_AVX2)
    endif()
else()
    target_link_libraries(third_party::faiss INTERFACE faiss_c gomp)
endif()

# Only the tests need these two.
pkg_check_modules(cmocka IMPORTED_TARGET cmocka)
if(EXISTS ${CMAKE_SOURCE_DIR}/core/http_client.c)
    floe_system_library(curl libcurl)
endif()
