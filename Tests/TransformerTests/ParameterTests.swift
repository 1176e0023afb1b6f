import Synchronization
import Tensors
import Testing
import Transformer

@Suite("Parameter")
struct ParameterTests {
    @Test("asked for by several layers at once, a value is brought into memory once")
    func sharedValue() {
        for round in 0..<300 {
            let reads = Mutex(0)
            let stored = StoredTensor([64, 8]) { rows in
                reads.withLock { $0 += 1 }
                return Tensor([rows.count, 8], rows.flatMap { row in (0..<8).map { Float(row * 8 + $0 + round) } })
            }
            let parameter = Parameter("shared", stored)
            let sums = parallelMap(8) { _ in parameter.value.values.reduce(0, +) }
            #expect(Set(sums) == [Float(511 * 256 + 512 * round)])
            #expect(reads.withLock { $0 } == 1)
        }
    }
}
