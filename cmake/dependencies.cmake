# SPDX-License-Identifier: ISC
# Third-party libraries: where each is found, and the oldest that will do.
find_package(PkgConfig REQUIRED)

pkg_check_modules(EVENT REQUIRED IMPORTED_TARGET libevent>=2.1.12)
pkg_check_modules(EVENT_SSL REQUIRED IMPORTED_TARGET libevent_openssl>=2.1.12)
add_library(dep_event INTERFACE)
target_link_libraries(dep_event INTERFACE PkgConfig::EVENT_SSL PkgConfig::EVENT)

pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET openssl>=3.0.0)
add_library(dep_openssl INTERFACE)
target_link_libraries(dep_openssl INTERFACE PkgConfig::OPENSSL)

pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares>=1.18.1)
add_library(dep_cares INTERFACE)
target_link_libraries(dep_cares INTERFACE PkgConfig::CARES)

pkg_check_modules(IDN2 REQUIRED IMPORTED_TARGET libidn2>=2.3.0)
add_library(dep_idn2 INTERFACE)
target_link_libraries(dep_idn2 INTERFACE PkgConfig::IDN2)

pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib>=1.2.13)
pkg_check_modules(BROTLI REQUIRED IMPORTED_TARGET libbrotlidec>=1.0.9)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd>=1.5.0)
add_library(dep_codings INTERFACE)
target_link_libraries(dep_codings INTERFACE PkgConfig::ZLIB PkgConfig::BROTLI
  PkgConfig::ZSTD)

pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.40.0)
add_library(dep_sqlite INTERFACE)
target_link_libraries(dep_sqlite INTERFACE PkgConfig::SQLITE)

pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash>=0.8.0)
add_library(dep_xxhash INTERFACE)
target_link_libraries(dep_xxhash INTERFACE PkgConfig::XXHASH)

find_package(Threads REQUIRED)
add_library(dep_threads INTERFACE)
target_link_libraries(dep_threads INTERFACE Threads::Threads)

# The worker's.
pkg_check_modules(XML REQUIRED IMPORTED_TARGET libxml-2.0>=2.9.14)
add_library(dep_xml INTERFACE)
target_link_libraries(dep_xml INTERFACE PkgConfig::XML)
pkg_check_modules(PCRE REQUIRED IMPORTED_TARGET libpcre2-8>=10.40)
add_library(dep_pcre INTERFACE)
target_link_libraries(dep_pcre INTERFACE PkgConfig::PCRE)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp>=2.5.4)
add_library(dep_seccomp INTERFACE)
target_link_libraries(dep_seccomp INTERFACE PkgConfig::SECCOMP)

# llhttp: an installed one >= 9.2, or Debian 12's sources built strict, or the
# upstream release when asked for.
add_library(dep_llhttp INTERFACE)
target_compile_definitions(dep_llhttp INTERFACE LLHTTP_STRICT_MODE=1)
pkg_check_modules(LLHTTP IMPORTED_TARGET libllhttp>=9.2.0)
if(LLHTTP_FOUND)
  target_link_libraries(dep_llhttp INTERFACE PkgConfig::LLHTTP)
elseif(EXISTS /usr/share/llhttp/llhttp.c)
  add_library(llhttp_debian STATIC /usr/share/llhttp/api.c
    /usr/share/llhttp/http.c /usr/share/llhttp/llhttp.c)
  target_compile_definitions(llhttp_debian PRIVATE LLHTTP_STRICT_MODE=1)
  target_include_directories(llhttp_debian SYSTEM PUBLIC
    /usr/share/include/llhttp)
  target_compile_options(llhttp_debian PRIVATE -O2 -w
    $<$<BOOL:${FETCHD_SANITIZE}>:-fsanitize=address>
    $<$<BOOL:${FETCHD_FUZZ}>:-fsanitize=fuzzer-no-link>)
  target_link_libraries(dep_llhttp INTERFACE llhttp_debian)
elseif(FETCHD_FETCH_LLHTTP)
  include(cmake/fetch_llhttp.cmake)
else()
  message(FATAL_ERROR "llhttp is missing: install node-llhttp (Debian 12) or "
    "llhttp >= 9.2, or configure with -DFETCHD_FETCH_LLHTTP=ON")
endif()
