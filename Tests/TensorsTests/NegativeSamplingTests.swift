import Glibc
import Tensors
import Testing

@Suite("NegativeSampling")
struct NegativeSamplingTests {
    private static let rows: [[Int32]] = [[0, 4], [1, 5, 6], [2, 4], [3]]

    private func make(_ model: NegativeSampling.Model, negatives: Int = 0) -> NegativeSampling {
        let input = RowTable(rows: 7, columns: 5)
        let output = RowTable(rows: 4, columns: 5)
        input.fillUniformly(limit: 1, seed: 3)
        output.fillUniformly(limit: 1, seed: 4)
        return NegativeSampling(
            model, input: input, output: output, rows: Self.rows, weights: [1, 2, 3, 4], negatives: negatives, window: 2
        )
    }

    private func block(_ words: [Int32]) -> ContextBlock {
        var block = ContextBlock()
        block.words = words
        let count = Int32(words.count)
        block.windows = (0..<count).map { max(0, $0 - 2)..<min(count, $0 + 3) }
        return block
    }

    /// The loss of all pairs of a block, without negatives.
    private func loss(_ model: NegativeSampling.Model, _ block: ContextBlock, _ input: [[Double]], _ output: [[Double]])
        -> Double
    {
        func mean(_ rows: [Int32]) -> [Double] {
            (0..<5).map { column in rows.reduce(0) { $0 + input[Int($1)][column] } / Double(rows.count) }
        }
        func pair(_ hidden: [Double], _ target: Int32) -> Double {
            log(1 + exp(-zip(hidden, output[Int(target)]).reduce(0) { $0 + $1.0 * $1.1 }))
        }
        var sum = 0.0
        for (i, word) in block.words.enumerated() {
            let context = block.windows[i].filter { $0 != i }.map { block.words[Int($0)] }
            switch model {
            case .skipGram: for other in context { sum += pair(mean(Self.rows[Int(word)]), other) }
            case .cbow: sum += pair(mean(context.flatMap { Self.rows[Int($0)] }), word)
            }
        }
        return sum
    }

    /// word2vec and fastText hand a mean's gradient to its rows undivided; CBOW's rows of the same word differ by that.
    @Test(
        "what rows get is the gradient of the loss by central differences",
        arguments: [NegativeSampling.Model.skipGram, .cbow])
    func gradients(model: NegativeSampling.Model) {
        let trainer = make(model)
        let block = block(model == .cbow ? [0, 2, 1] : [0, 1, 2, 3, 1])
        func values(_ table: RowTable) -> [[Double]] { (0..<table.rows).map { table.row($0).map { Double($0) } } }
        let (input, output) = (values(trainer.input), values(trainer.output))
        // So little is learned that it does not matter what came first in the block.
        let rate = 3e-4
        _ = trainer.step(block, learningRate: Float(rate), seed: 1)
        let (inputAfter, outputAfter) = (values(trainer.input), values(trainer.output))
        let step = 1e-5
        for row in output.indices {
            for column in 0..<5 {
                var (up, down) = (output, output)
                up[row][column] += step
                down[row][column] -= step
                let slope = (loss(model, block, input, up) - loss(model, block, input, down)) / (2 * step)
                #expect(abs((output[row][column] - outputAfter[row][column]) / rate - slope) < 5e-3)
            }
        }
        guard model == .skipGram else { return }
        // Rows of one word alone: the gradient of the mean is divided by the number of rows.
        for (row, count) in [(0, 2.0), (1, 3.0), (2, 2.0), (3, 1.0)] {
            for column in 0..<5 {
                var (up, down) = (input, input)
                up[row][column] += step
                down[row][column] -= step
                let slope = (loss(model, block, up, output) - loss(model, block, down, output)) / (2 * step)
                #expect(abs((input[row][column] - inputAfter[row][column]) / rate - slope * count) < 5e-3)
            }
        }
    }

    @Test("negatives push away: a pair's loss is that of its word and those drawn")
    func negatives() {
        let trainer = make(.skipGram, negatives: 3)
        let before = (0..<4).map { trainer.output.row($0) }
        let (loss, pairs) = trainer.step(block([0, 1, 0, 1]), learningRate: 0.1, seed: 9)
        #expect(pairs > 0 && loss > 0 && loss / Double(pairs) < 20)
        #expect((0..<4).map { trainer.output.row($0) } != before)
    }
}
