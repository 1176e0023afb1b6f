import Synchronization
import Tensors
import Testing

@Suite("ThreadPool")
struct ThreadPoolTests {
    @Test("every block runs exactly once, job after job", arguments: [1, 2, 3, 8])
    func blocks(threads: Int) {
        let pool = ThreadPool(threads: threads)
        for blocks in [0, 1, 2, 7, 1000] {
            let counts = Mutex([Int](repeating: 0, count: blocks))
            for _ in 0..<50 { pool.run(blocks) { block in counts.withLock { $0[block] += 1 } } }
            #expect(counts.withLock { $0 } == [Int](repeating: 50, count: blocks))
        }
    }

    @Test("a job inside a job runs on the thread that asked")
    func nesting() {
        let pool = ThreadPool(threads: 4)
        let sum = Atomic<Int>(0)
        pool.run(8) { outer in
            pool.run(8) { inner in sum.add(outer * 8 + inner, ordering: .relaxed) }
        }
        #expect(sum.load(ordering: .relaxed) == 64 * 63 / 2)
    }

    @Test("results of a parallel map keep their order")
    func map() {
        #expect(parallelMap(500) { "\($0)" } == (0..<500).map { "\($0)" })
    }
}
