import Dispatch
import Synchronization

extension Tokenizer {
    /// Encodes many texts, in order, on a number of threads. The result does not depend on that number.
    public func encodeBatch(
        _ texts: [String], pairs: [String]? = nil, addSpecialTokens: Bool = true, truncation: Truncation? = nil,
        threads: Int = 1
    ) -> [Encoding] {
        precondition(pairs == nil || pairs?.count == texts.count, "as many second texts as first ones")
        return inChunks(texts, threads: threads) { index, workspace in
            encode(
                texts[index], pair: pairs?[index], addSpecialTokens: addSpecialTokens, truncation: truncation,
                &workspace)
        }
    }

    /// The ids of many texts, in order, on a number of threads. The result does not depend on that number.
    public func idsBatch(
        _ texts: [String], addSpecialTokens: Bool = true, truncation: Truncation? = nil, threads: Int = 1
    ) -> [[Int32]] {
        inChunks(texts, threads: threads) { index, workspace in
            var ids: [Int32] = []
            swap(&ids, &workspace.ids)
            ids.removeAll(keepingCapacity: true)
            self.ids(
                ofUTF8: texts[index].utf8Span.span, addSpecialTokens: addSpecialTokens, truncation: truncation,
                appendingTo: &ids, &workspace)
            let result = Array(ids[...])
            swap(&ids, &workspace.ids)
            return result
        }
    }

    /// Hands out chunks of texts of about the same number of bytes to threads.
    private func inChunks<Result: Sendable>(
        _ texts: [String], threads: Int, _ body: @Sendable (Int, inout Workspace) -> Result
    ) -> [Result] {
        if threads <= 1 || texts.count < 2 {
            return withWorkspace { workspace in texts.indices.map { body($0, &workspace) } }
        }
        var chunks: [Range<Int>] = []
        var start = 0
        var bytes = 0
        for index in texts.indices {
            bytes += texts[index].utf8.count
            if bytes >= 32768 || index == texts.count - 1 {
                chunks.append(start..<index + 1)
                start = index + 1
                bytes = 0
            }
        }
        let next = Atomic<Int>(0)
        let parts = chunks
        return unsafe [Result](unsafeUninitializedCapacity: texts.count) { results, initialized in
            // Every chunk is one thread's, and writes places of its own.
            nonisolated(unsafe) let places = unsafe results
            DispatchQueue.concurrentPerform(iterations: min(threads, parts.count)) { _ in
                withWorkspace { workspace in
                    while true {
                        let chunk = next.add(1, ordering: .relaxed).oldValue
                        if chunk >= parts.count { return }
                        for index in parts[chunk] {
                            unsafe places.initializeElement(at: index, to: body(index, &workspace))
                        }
                    }
                }
            }
            initialized = texts.count
        }
    }
}
