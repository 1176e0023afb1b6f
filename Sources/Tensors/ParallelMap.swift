/// The results of `body` for every index, in order, computed on all threads.
///
/// What the body reads must not change meanwhile.
package func parallelMap<Result>(_ count: Int, _ body: (Int) -> Result) -> [Result] {
    unsafe [Result](unsafeUninitializedCapacity: count) { results, initialized in
        ThreadPool.shared.run(count) { index in unsafe results.initializeElement(at: index, to: body(index)) }
        initialized = count
    }
}
