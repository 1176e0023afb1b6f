import Glibc

/// Learns vectors of words from their contexts, a block of words at a time: the same bits whatever the number of threads.
///
/// Each block is two steps. First each word learns from its targets one context after the other, on one thread, its targets'
/// rows staying as they are; what its own rows would get is noted. Then all rows are changed, each by one thread and in the
/// order of the text: those of targets by gradients at what they are by then. What rows a thread takes does not change what
/// is added to a row, nor in which order.
///
/// Both steps move by what has been learned since the block began, as fastText does. Sums of gradients at where the block
/// began diverge: a frequent word has many in a block.
///
/// Sources: Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their Compositionality", §2.2;
/// Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information", §3.
package final class NegativeSampling {
    package enum Model: Sendable { case skipGram, cbow }

    /// A word, by its place in the block, and a target of it.
    private struct Update {
        var target: Int32
        var center: Int32
        /// 1 for the right word, 0 for one that was drawn.
        var label: Float
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

    private static let wordsPerChunk = 16
    /// For each word of a block: the sum or mean of its rows, and the gradient of that.
    private var hidden = RowTable(rows: 0, columns: 1)
    private var gradients = RowTable(rows: 0, columns: 1)
    /// CBOW alone: the gradient of each word's own rows.
    private var wordGradients = RowTable(rows: 0, columns: 1)
    /// CBOW alone: the mean of the rows of each word's context.
    private var contextMeans = RowTable(rows: 0, columns: 1)
    private var updates: [[Update]] = []

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
        makeRoom(count)
        let chunks = (count + Self.wordsPerChunk - 1) / Self.wordsPerChunk
        func words(_ chunk: Int) -> Range<Int> {
            chunk * Self.wordsPerChunk..<min(count, (chunk + 1) * Self.wordsPerChunk)
        }
        let pool = ThreadPool.shared
        var losses = [(Double, Int)](repeating: (0, 0), count: chunks)
        unsafe losses.withUnsafeMutableBufferPointer { losses in
            unsafe updates.withUnsafeMutableBufferPointer { updates in
                if model == .cbow {
                    pool.run(chunks) { for word in words($0) { sumRows(block.words[word], into: word, isMean: false) } }
                }
                pool.run(chunks) { chunk in
                    var random = SplitMix(seed &+ UInt64(chunk) &* 0xD134_2543_DE82_EF95)
                    unsafe updates[chunk].removeAll(keepingCapacity: true)
                    for word in words(chunk) {
                        let loss = unsafe learn(
                            word, block, learningRate, &random, &updates[chunk],
                            wantsLoss: word == words(chunk).lowerBound)
                        if let loss { unsafe losses[chunk] = loss }
                    }
                }
                if model == .cbow { pool.run(chunks) { for word in words($0) { gatherGradients(word, block) } } }
                let parts = pool.threads
                pool.run(parts) { part in
                    for chunk in 0..<chunks { unsafe apply(updates[chunk], learningRate, part: part, of: parts) }
                    for word in 0..<count { applyToRows(block.words[word], word, part: part, of: parts) }
                }
            }
        }
        return losses.reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
    }

    private func makeRoom(_ words: Int) {
        if hidden.rows < words {
            hidden = RowTable(rows: 2 * words, columns: input.columns)
            gradients = RowTable(rows: 2 * words, columns: input.columns)
            if model == .cbow {
                wordGradients = RowTable(rows: 2 * words, columns: input.columns)
                contextMeans = RowTable(rows: 2 * words, columns: input.columns)
            }
        }
        let chunks = (words + Self.wordsPerChunk - 1) / Self.wordsPerChunk
        while updates.count < chunks { updates.append([]) }
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

    /// Computes a word's gradients, and notes what its targets' rows get.
    private func learn(
        _ word: Int, _ block: ContextBlock, _ rate: Float, _ random: inout SplitMix, _ updates: inout [Update],
        wantsLoss: Bool
    ) -> (Double, Int)? {
        let stride = input.stride
        let gradient = unsafe gradients.values + word * stride
        for lane in Swift.stride(from: 0, to: stride, by: 16) { unsafe store(.zero, gradient + lane) }
        let window = Int(block.windows[word].lowerBound)..<Int(block.windows[word].upperBound)
        if window.count < 2 { return nil }
        let first = updates.count
        func draw(_ target: Int32) {
            updates.append(Update(target: target, center: Int32(word), label: 1))
            for _ in 0..<negatives {
                var negative = sampler.draw(&random)
                // A text of one word has no other.
                var tries = 0
                while negative == target, tries < 100 { (negative, tries) = (sampler.draw(&random), tries + 1) }
                updates.append(Update(target: negative, center: Int32(word), label: 0))
            }
        }
        switch model {
        case .skipGram:
            sumRows(block.words[word], into: word, isMean: true)
            for context in window where context != word { draw(block.words[context]) }
        case .cbow:
            meanOfContext(word, window, block)
            draw(block.words[word])
        }
        let vector = unsafe (model == .cbow ? contextMeans : hidden).values + word * stride
        var loss = 0.0
        unsafe updates.withUnsafeBufferPointer { updates in
            for start in Swift.stride(from: first, to: updates.count, by: negatives + 1) {
                let targets = unsafe UnsafeBufferPointer(rebasing: updates[start..<start + negatives + 1])
                unsafe loss += learn(targets, vector, gradient, rate, wantsLoss: wantsLoss)
            }
        }
        return wantsLoss ? (loss, (updates.count - first) / (negatives + 1)) : nil
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

    /// Learns from a word that is right and those drawn with it: moves the vector, and adds to its gradient.
    ///
    /// - Returns: the loss, where it is wanted.
    @unsafe
    private func learn(
        _ targets: UnsafeBufferPointer<Update>, _ vector: UnsafeMutablePointer<Float>,
        _ gradient: UnsafeMutablePointer<Float>, _ rate: Float, wantsLoss: Bool
    ) -> Double {
        let stride = output.stride
        let output = unsafe output.values
        var loss = 0.0
        for i in Swift.stride(from: 0, to: targets.count, by: 3) {
            // Three at a time, so that their sums do not wait for one another; the last ones may repeat.
            let group = min(3, targets.count - i)
            let a = unsafe output + Int(targets[i].target) * stride
            let b = unsafe output + Int(targets[i + min(1, group - 1)].target) * stride
            let c = unsafe output + Int(targets[i + group - 1].target) * stride
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
                let label = unsafe targets[i + k].label
                let missing = label - 1 / (1 + exponential(-scores[k]))
                factors[k] = rate * missing
                if wantsLoss { loss -= Double(max(-20, logf(1 - abs(missing)))) }
            }
            for lane in Swift.stride(from: 0, to: stride, by: 16) {
                var sum = unsafe lanes(a + lane) * factors[0]
                unsafe sum = multiplyAdd(lanes(b + lane), SIMD16(repeating: factors[1]), sum)
                unsafe sum = multiplyAdd(lanes(c + lane), SIMD16(repeating: factors[2]), sum)
                unsafe store(lanes(gradient + lane) + sum, gradient + lane)
                unsafe store(lanes(vector + lane) + sum, vector + lane)
            }
        }
        return loss
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

    private func apply(_ updates: [Update], _ rate: Float, part: Int, of parts: Int) {
        let stride = output.stride
        let centers = unsafe (model == .cbow ? contextMeans : hidden).values
        for update in updates where Self.part(update.target, of: parts) == part {
            let row = unsafe output.values + Int(update.target) * stride
            let center = unsafe centers + Int(update.center) * stride
            var sum = SIMD16<Float>.zero
            for lane in Swift.stride(from: 0, to: stride, by: 16) {
                unsafe sum = multiplyAdd(lanes(center + lane), lanes(row + lane), sum)
            }
            let factor = SIMD16(repeating: rate * (update.label - 1 / (1 + exponential(-total(sum)))))
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
