// What the C library does with memory that is given back to it.
#pragma once

namespace berth::platform {

// From here on, blocks of less than 32 megabytes stay with the program as they are freed. As glibc has it, the end of
// the heap goes back to the system after each training step, to be taken and zeroed again, page by page, in the next.
// Does nothing with other C libraries.
void keep_freed_blocks();

// The opposite: from here on, blocks of a megabyte and more go back to the system as they are freed. As glibc has it,
// they soon stay in the heap, and what lives longer comes to lie between them: the peak is then several times what is
// in use. It costs time, since the system zeroes each new block. Does nothing with other C libraries.
void return_large_blocks();

}  // namespace berth::platform
