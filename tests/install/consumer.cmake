# The CMakeLists.txt of that program; the name keeps it out of this project's.
cmake_minimum_required(VERSION 3.22)
project(consumer LANGUAGES C)
find_package(cdsr ${WANTED} REQUIRED)
add_executable(consumer consumer.c)
target_link_libraries(consumer PRIVATE cdsr::cdsr)
