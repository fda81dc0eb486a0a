# The board support package of max78000-toolchain for CMake. `max78000 info --cmake` names this folder:
#
#     cmake -B build -DCMAKE_TOOLCHAIN_FILE=$(max78000 info --cmake)/arm-none-eabi-gcc.cmake
#                    -Dmax78000_DIR=$(max78000 info --cmake)
#
#     find_package(max78000 REQUIRED CONFIG)
#     max78000::headers          mxc.h and the flags that go with it, for libraries
#     max78000::bsp              with start-up code, drivers and linker script, for programs
#     max78000::shared           what applications of `max78000 new` share
#     max78000_firmware(TARGET)  makes of an executable TARGET .elf, .hex and .bin
#
# As `max78000 build` compiles it, but for two things that it finds out by reading the project:
# whether C's library is needed, here MAX78000_C_LIBRARY, and whether real numbers are printed; here
# they always can be.

if(TARGET max78000::bsp)
  return()
endif()

set(MAX78000_BOARD EvKit_V1 CACHE STRING "What the chip is soldered to")
set_property(CACHE MAX78000_BOARD PROPERTY STRINGS EvKit_V1 FTHR_RevA)
option(MAX78000_C_LIBRARY "Link newlib, for functions of C that the package lacks" OFF)

get_filename_component(max78000_package "${CMAKE_CURRENT_LIST_DIR}/../bsp" ABSOLUTE)
set(max78000_linker_script "${max78000_package}/max78000.ld")

file(GLOB max78000_sources CONFIGURE_DEPENDS "${max78000_package}/src/*.c")
file(GLOB max78000_boards "${max78000_package}/src/board_*.c")
string(TOLOWER "board_${MAX78000_BOARD}.c" max78000_board)
set(max78000_board "${max78000_package}/src/${max78000_board}")
if(NOT max78000_board IN_LIST max78000_boards)
  message(FATAL_ERROR "MAX78000_BOARD is ${MAX78000_BOARD}: one of EvKit_V1, FTHR_RevA")
endif()
list(REMOVE_ITEM max78000_boards "${max78000_board}")
if(MAX78000_C_LIBRARY)
  set(max78000_others memory.c math.c)
else()
  set(max78000_others c_library.c)
endif()
list(TRANSFORM max78000_others PREPEND "${max78000_package}/src/")
list(REMOVE_ITEM max78000_sources ${max78000_boards} ${max78000_others})

# stdint.h and its like; never a C library that happens to be installed.
execute_process(
  COMMAND ${CMAKE_C_COMPILER} -print-file-name=include
  OUTPUT_VARIABLE max78000_compilers_headers OUTPUT_STRIP_TRAILING_WHITESPACE)
set(max78000_alone
  -ffreestanding -nostdinc "SHELL:-isystem ${max78000_compilers_headers}"
  -fno-tree-loop-distribute-patterns)

add_library(max78000_common INTERFACE)
target_include_directories(max78000_common INTERFACE "${max78000_package}/include")
target_compile_options(max78000_common INTERFACE -fno-common -ffunction-sections -fdata-sections)

add_library(max78000_headers INTERFACE)
target_link_libraries(max78000_headers INTERFACE max78000_common)
target_compile_options(max78000_headers INTERFACE -ffp-contract=off)
if(MAX78000_C_LIBRARY)
  target_compile_definitions(max78000_headers INTERFACE BSP_C_LIBRARY)
else()
  target_compile_options(max78000_headers INTERFACE ${max78000_alone})
endif()

add_library(max78000_bsp OBJECT EXCLUDE_FROM_ALL ${max78000_sources})
target_include_directories(max78000_bsp PRIVATE "${max78000_package}/src")
target_compile_options(max78000_bsp PRIVATE -std=c11 ${max78000_alone})
target_link_libraries(max78000_bsp PRIVATE max78000_common INTERFACE max78000_headers)
target_link_options(max78000_bsp INTERFACE
  -nostdlib "SHELL:-T ${max78000_linker_script}"
  "LINKER:-e,reset_handler,--gc-sections,--build-id=none,-z,max-page-size=4096"
  "LINKER:--print-memory-usage")
if(MAX78000_C_LIBRARY)
  target_link_libraries(max78000_bsp INTERFACE c_nano m)
endif()
target_link_libraries(max78000_bsp INTERFACE gcc)

get_filename_component(max78000_shared "${CMAKE_CURRENT_LIST_DIR}/../../apps/shared" ABSOLUTE)
file(GLOB max78000_shared_sources CONFIGURE_DEPENDS "${max78000_shared}/*.c")
add_library(max78000_shared STATIC EXCLUDE_FROM_ALL ${max78000_shared_sources})
target_include_directories(max78000_shared PUBLIC "${max78000_shared}")
target_link_libraries(max78000_shared PUBLIC max78000_headers)

add_library(max78000::shared ALIAS max78000_shared)
add_library(max78000::headers ALIAS max78000_headers)
add_library(max78000::bsp ALIAS max78000_bsp)

function(max78000_firmware target)
  target_link_libraries(${target} PRIVATE max78000::bsp)
  set_target_properties(${target} PROPERTIES
    SUFFIX .elf LINK_DEPENDS "${max78000_linker_script}")
  set(stem "$<TARGET_FILE_DIR:${target}>/$<TARGET_FILE_BASE_NAME:${target}>")
  add_custom_command(TARGET ${target} POST_BUILD VERBATIM
    COMMAND ${CMAKE_OBJCOPY} -O ihex $<TARGET_FILE:${target}> ${stem}.hex
    COMMAND ${CMAKE_OBJCOPY} -O binary $<TARGET_FILE:${target}> ${stem}.bin
    # `max78000 build` says in it what it built: no longer.
    COMMAND ${CMAKE_COMMAND} -E rm -f ${stem}.stamp)
endfunction()
