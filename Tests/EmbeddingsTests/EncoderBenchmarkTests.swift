import Checkpoints
import Embeddings
import Tensors
import TestSupport
import Testing

@Suite("EncoderBenchmark")
struct EncoderBenchmarkTests {
    @Test("counts the operations of products with weights, and derives every rate from the time")
    func rates() throws {
        let scratch = try TemporaryDirectory()
        let benchmark = try EncoderBenchmark(ModelDirectory(TinyModel.make(in: scratch, named: "m")), precision: .f32)
        // 2 layers, hidden size 32, intermediate size 64: four products of 32 by 32 and two of 32 by 64, two
        // operations each.
        #expect(benchmark.positions == 24 && benchmark.operationsPerToken == 2 * 2 * (4 * 32 * 32 + 2 * 32 * 64))
        let cell = benchmark.measure(length: 24, batchSize: 3, rounds: 4, seconds: 0.01)
        #expect(cell.fastest <= cell.seconds && cell.seconds <= cell.slowest && cell.fastest > 0)
        #expect(abs(cell.tokensPerSecond * cell.seconds - 72) < 1e-6)
        #expect(abs(cell.sentencesPerSecond * cell.seconds - 3) < 1e-6)
        #expect(abs(cell.gigaflopsPerSecond / cell.tokensPerSecond * 1e9 - 32768) < 1e-6)
        #expect(cell.shareOfEngine > 0 && cell.best.seconds == cell.fastest)
    }
}
