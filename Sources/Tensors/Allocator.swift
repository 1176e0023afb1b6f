import CPlatform

/// Makes the C library keep freed memory for the next tensor. By default it returns blocks as large as a batch's
/// activations to the system at once, and every new one is paid for again, page by page.
///
/// For the program's main function: a library must not decide this.
public func keepFreedMemory() {
    // Not a higher threshold for mapped blocks: the library refuses more than 32 MB.
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, 1 << 30)
    // Threads that share one heap reuse each other's memory.
    mallopt(M_ARENA_MAX, 1)
    asksForLargePages()
}

/// The heap to come in pages of 2 MB: they are brought in and found many times faster than small ones.
private func asksForLargePages() {
    // Address space alone: memory is taken when it is written. The library keeps what is freed for later.
    let (size, page) = (900 << 20, 1 << 21)
    guard let block = unsafe malloc(size) else { return }
    let start = (Int(bitPattern: block) + page - 1) & ~(page - 1)
    unsafe madvise(UnsafeMutableRawPointer(bitPattern: start), size - page, MADV_HUGEPAGE)
    unsafe free(block)
}
