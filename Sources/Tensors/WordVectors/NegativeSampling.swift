import Glibc

/// Learns vectors of words from their contexts, a block of words at a time: the same bits whatever the number of threads.
///
/// Each block is two steps. First each word learns from its targets one context after the other, on one thread, while their
/// rows stay as they are; what every row would get is noted. Then all rows are changed, each by one thread and in the order
/// of the text. What rows a thread takes does not change what is added to a row, nor in which order.
///
/// A word and its target move by one and the same error, as in stochastic gradient descent: were one of them to move first,
/// it would learn all, and the other nothing.
///
/// Sources: Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their Compositionality", §2.2;
/// Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information", §3.
package final class NegativeSampling {
    package enum Model: Sendable { case skipGram, cbow }

    /// What a target's row gets: `factor` times the vector of the word at place `center` of the block.
    private struct Update {
        var target: Int32
        var center: Int32
        var factor: Float
    }

    package let input: RowTable
    package let output: RowTable
    private let model: Model
    private let negatives: Int
    /// How far a window reaches at most.
    private let reach: Int
    private let sampler: AliasTable
    /// The input rows of word `w` are `rows[firstRow[w]..<firstRow[w + 1]]`.
    private let firstRow: [Int32]
    private let rows: [Int32]

    private static let wordsPerChunk = 4
    /// For each word of a block: the mean of its rows, for CBOW their sum; and what the vector learned from gets.
    private var hidden = RowTable(rows: 0, columns: 1)
    private var gradients = RowTable(rows: 0, columns: 1)
    /// CBOW alone: what each word's own rows get.
    private var wordGradients = RowTable(rows: 0, columns: 1)
    /// CBOW alone: the mean of the rows of each word's context.
    private var contextMeans = RowTable(rows: 0, columns: 1)
    /// For each chunk of words, for each thread that changes rows.
    private var updates: [[Update]] = []
    /// For each chunk of words, the vector that learns.
    private var moving = RowTable(rows: 0, columns: 1)

    /// - Parameters:
    ///   - rows: the input rows of each word: its own and its n-grams'.
    ///   - weights: how often each word is drawn as a negative, relative to the others.
    package init(
        _ model: Model, input: RowTable, output: RowTable, rows: [[Int32]], weights: [Double], negatives: Int,
        window: Int
    ) {
        precondition(input.columns == output.columns && rows.count == output.rows && weights.count == rows.count)
        precondition(rows.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0 >= 0 && $0 < Int32(input.rows) } })
        self.model = model
        self.input = input
        self.output = output
        self.negatives = negatives
        reach = window
        sampler = AliasTable(weights)
        self.rows = rows.flatMap { $0 }
        var first: [Int32] = [0]
        for rows in rows { first.append(first.last! + Int32(rows.count)) }
        firstRow = first
    }

    /// Learns from a block.
    ///
    /// - Returns: the sum of the losses of some of its words, and of how many.
    package func step(_ block: ContextBlock, learningRate: Float, seed: UInt64) -> (loss: Double, words: Int) {
        let count = block.words.count
        if count < 2 { return (0, 0) }
        precondition(block.words.allSatisfy { $0 >= 0 && $0 < Int32(output.rows) }, "words of another vocabulary")
        let chunks = (count + Self.wordsPerChunk - 1) / Self.wordsPerChunk
        func words(_ chunk: Int) -> Range<Int> {
            chunk * Self.wordsPerChunk..<min(count, (chunk + 1) * Self.wordsPerChunk)
        }
        let pool = ThreadPool.shared
        let parts = pool.threads
        makeRoom(count, chunks: chunks, parts: parts)
        var losses = [(Double, Int)](repeating: (0, 0), count: chunks)
        unsafe losses.withUnsafeMutableBufferPointer { losses in
            unsafe updates.withUnsafeMutableBufferPointer { updates in
                if model == .cbow {
                    pool.run(chunks) { for word in words($0) { sumRows(block.words[word], into: word, isMean: false) } }
                }
                pool.run(chunks) { chunk in
                    var random = SplitMix(seed &+ UInt64(chunk) &* 0xD134_2543_DE82_EF95)
                    let mine = unsafe UnsafeMutableBufferPointer(rebasing: updates[chunk * parts..<(chunk + 1) * parts])
                    for part in 0..<parts { unsafe mine[part].removeAll(keepingCapacity: true) }
                    for word in words(chunk) {
                        let isFirst = word == words(chunk).lowerBound
                        let loss = unsafe learn(word, chunk, block, learningRate, &random, mine, wantsLoss: isFirst)
                        if let loss { unsafe losses[chunk] = loss }
                    }
                }
                if model == .cbow { pool.run(chunks) { for word in words($0) { gatherGradients(word, block) } } }
                pool.run(parts) { part in
                    for chunk in 0..<chunks { unsafe apply(updates[chunk * parts + part]) }
                    for word in 0..<count { applyToRows(block.words[word], word, part: part, of: parts) }
                }
            }
        }
        return losses.reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
    }

    private func makeRoom(_ words: Int, chunks: Int, parts: Int) {
        if hidden.rows < words {
            hidden = RowTable(rows: 2 * words, columns: input.columns)
            gradients = RowTable(rows: 2 * words, columns: input.columns)
            if model == .cbow {
                wordGradients = RowTable(rows: 2 * words, columns: input.columns)
                contextMeans = RowTable(rows: 2 * words, columns: input.columns)
            }
        }
        if moving.rows < chunks { moving = RowTable(rows: 2 * chunks, columns: input.columns) }
        while updates.count < chunks * parts { updates.append([]) }
    }

    /// The sum of a word's rows, or their mean.
    private func sumRows(_ word: Int32, into place: Int, isMean: Bool) {
        let range = Int(firstRow[Int(word)])..<Int(firstRow[Int(word) + 1])
        let stride = input.stride
        let sum = unsafe hidden.values + place * stride
        unsafe rows.withUnsafeBufferPointer { rows in
            let factor = isMean ? 1 / Float(range.count) : 1
            for lane in Swift.stride(from: 0, to: stride, by: 16) {
                var total = SIMD16<Float>.zero
                for i in range { unsafe total += lanes(input.values + Int(rows[i]) * stride + lane) }
                unsafe store(total * factor, sum + lane)
            }
        }
    }

    /// Learns from the targets of a word: sets its gradient, and notes what the targets' rows get.
    ///
    /// - Parameter updates: for each thread that changes rows.
    @unsafe
    private func learn(
        _ word: Int, _ chunk: Int, _ block: ContextBlock, _ rate: Float, _ random: inout SplitMix,
        _ updates: UnsafeMutableBufferPointer<[Update]>, wantsLoss: Bool
    ) -> (Double, Int)? {
        let stride = input.stride
        let gradient = unsafe gradients.values + word * stride
        let window = Int(block.windows[word].lowerBound)..<Int(block.windows[word].upperBound)
        if window.count < 2 {
            for lane in Swift.stride(from: 0, to: stride, by: 16) { unsafe store(.zero, gradient + lane) }
            return nil
        }
        switch model {
        case .skipGram: sumRows(block.words[word], into: word, isMean: true)
        case .cbow: meanOfContext(word, window, block)
        }
        let start = unsafe (model == .cbow ? contextMeans : hidden).values + word * stride
        let vector = unsafe moving.values + chunk * stride
        unsafe vector.update(from: start, count: stride)
        var (loss, count) = (0.0, 0)
        func learnFrom(_ target: Int32) {
            unsafe loss += learn(
                word, target, vector, rate, &random, updates, wantsLoss: wantsLoss)
            count += 1
        }
        switch model {
        case .skipGram: for context in window where context != word { learnFrom(block.words[context]) }
        case .cbow: learnFrom(block.words[word])
        }
        for lane in Swift.stride(from: 0, to: stride, by: 16) {
            unsafe store(lanes(vector + lane) - lanes(start + lane), gradient + lane)
        }
        return wantsLoss ? (loss, count) : nil
    }

    /// CBOW's hidden vector.
    private func meanOfContext(_ word: Int, _ window: Range<Int>, _ block: ContextBlock) {
        let stride = input.stride
        var count: Int32 = 0
        for context in window where context != word {
            let id = Int(block.words[context])
            count += firstRow[id + 1] - firstRow[id]
        }
        let factor = 1 / Float(count)
        let sums = unsafe hidden.values
        let mean = unsafe contextMeans.values + word * stride
        for lane in Swift.stride(from: 0, to: stride, by: 16) {
            var total = SIMD16<Float>.zero
            for context in window where context != word {
                unsafe total += lanes(sums + context * stride + lane)
            }
            unsafe store(total * factor, mean + lane)
        }
    }

    /// Learns from a word that is right and from those drawn with it: moves the vector, and notes what their rows get.
    ///
    /// - Returns: the loss, where it is wanted.
    @unsafe
    private func learn(
        _ word: Int, _ target: Int32, _ vector: UnsafeMutablePointer<Float>, _ rate: Float,
        _ random: inout SplitMix, _ updates: UnsafeMutableBufferPointer<[Update]>, wantsLoss: Bool
    ) -> Double {
        let stride = output.stride
        let output = unsafe output.values
        var loss = 0.0
        for first in Swift.stride(from: 0, through: negatives, by: 3) {
            // Three at a time, so that their sums do not wait for one another; the last ones may repeat.
            let group = min(3, negatives + 1 - first)
            var targets = SIMD4<Int32>(repeating: target)
            for k in 0..<3 where first + k > 0 {
                targets[k] = k < group ? drawNegative(for: target, &random) : targets[0]
            }
            let a = unsafe output + Int(targets[0]) * stride
            let b = unsafe output + Int(targets[1]) * stride
            let c = unsafe output + Int(targets[2]) * stride
            var sums = (SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero)
            for lane in Swift.stride(from: 0, to: stride, by: 16) {
                let h = unsafe lanes(vector + lane)
                unsafe sums.0 = multiplyAdd(lanes(a + lane), h, sums.0)
                unsafe sums.1 = multiplyAdd(lanes(b + lane), h, sums.1)
                unsafe sums.2 = multiplyAdd(lanes(c + lane), h, sums.2)
            }
            let scores = SIMD4<Float>(total(sums.0), total(sums.1), total(sums.2), 0)
            var factors = SIMD4<Float>.zero
            for k in 0..<group {
                let missing = (first + k == 0 ? 1 : 0) - 1 / (1 + exponential(-scores[k]))
                factors[k] = rate * missing
                if wantsLoss { loss -= Double(max(-20, logf(1 - abs(missing)))) }
                unsafe updates[Self.part(targets[k], of: updates.count)].append(
                    Update(target: targets[k], center: Int32(word), factor: factors[k]))
            }
            for lane in Swift.stride(from: 0, to: stride, by: 16) {
                var sum = unsafe multiplyAdd(lanes(a + lane), SIMD16(repeating: factors[0]), lanes(vector + lane))
                unsafe sum = multiplyAdd(lanes(b + lane), SIMD16(repeating: factors[1]), sum)
                unsafe sum = multiplyAdd(lanes(c + lane), SIMD16(repeating: factors[2]), sum)
                unsafe store(sum, vector + lane)
            }
        }
        return loss
    }

    /// A word that is not the target.
    private func drawNegative(for target: Int32, _ random: inout SplitMix) -> Int32 {
        var negative = sampler.draw(&random)
        // A text of one word has no other.
        var tries = 0
        while negative == target, tries < 100 { (negative, tries) = (sampler.draw(&random), tries + 1) }
        return negative
    }

    /// CBOW: a word's rows get the gradients of all words in whose context it stands.
    private func gatherGradients(_ word: Int, _ block: ContextBlock) {
        let stride = input.stride
        let centers = max(0, word - reach)..<min(block.words.count, word + reach + 1)
        let all = unsafe gradients.values
        let own = unsafe wordGradients.values + word * stride
        for lane in Swift.stride(from: 0, to: stride, by: 16) {
            var sum = SIMD16<Float>.zero
            for center in centers where center != word && block.windows[center].contains(Int32(word)) {
                unsafe sum += lanes(all + center * stride + lane)
            }
            unsafe store(sum, own + lane)
        }
    }

    private func apply(_ updates: [Update]) {
        let stride = output.stride
        let centers = unsafe (model == .cbow ? contextMeans : hidden).values
        for update in updates {
            let row = unsafe output.values + Int(update.target) * stride
            let center = unsafe centers + Int(update.center) * stride
            let factor = SIMD16(repeating: update.factor)
            for lane in Swift.stride(from: 0, to: stride, by: 16) {
                unsafe store(multiplyAdd(lanes(center + lane), factor, lanes(row + lane)), row + lane)
            }
        }
    }

    private func applyToRows(_ id: Int32, _ word: Int, part: Int, of parts: Int) {
        let stride = input.stride
        let gradient = unsafe (model == .cbow ? wordGradients : gradients).values + word * stride
        for i in Int(firstRow[Int(id)])..<Int(firstRow[Int(id) + 1]) where Self.part(rows[i], of: parts) == part {
            let row = unsafe input.values + Int(rows[i]) * stride
            for lane in Swift.stride(from: 0, to: stride, by: 16) {
                unsafe store(lanes(row + lane) + lanes(gradient + lane), row + lane)
            }
        }
    }

    /// Which thread changes a row.
    @inline(__always)
    private static func part(_ row: Int32, of parts: Int) -> Int {
        Int(truncatingIfNeeded: (UInt64(UInt32(bitPattern: row) &* 0x9E37_79B1) &* UInt64(parts)) >> 32)
    }
}
