using System.Buffers.Binary;
using System.Security.Cryptography;
using CcExport.Engine.Fingerprints;
using CcExport.Engine.Store;

namespace CcExport.Engine.Tests.Fingerprints;

/// <summary>What is remembered, from file to file, against a dictionary.</summary>
public sealed class FingerprintMergeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ccexport-test-").FullName;
    private readonly byte[] _key = FingerprintFile.NewKey();
    private CcHome Home => new(_folder);

    public void Dispose() => Directory.Delete(_folder, true);

    private sealed record Update(UInt128 Address, ulong Content, bool Owned, bool Uncertain);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(900, 1)]
    [InlineData(900, 4)]
    [InlineData(40_000, 1)]
    [InlineData(40_000, 8)]
    public void It_agrees_with_a_dictionary_however_many_parts_it_takes(int count, int parts)
    {
        var random = new Random(count + parts);
        Dictionary<UInt128, Fingerprint> expected = [];
        string? file = null;
        for (int run = 0; run < 3; run++)
        {
            List<Update> updates = [.. Enumerable.Range(0, count).Select(_ => NewUpdate(random, count, run))];
            HashSet<UInt128> gone = [.. expected.Keys.Where(_ => random.Next(10) == 0)];
            bool joined = Apply(expected, updates, gone);

            using var merge = new FingerprintMerge(count, Math.Max(1, count / parts));
            Assert.Equal(parts, merge.Parts);
            string next;
            using (FingerprintReader? before = file is null ? null : new FingerprintReader(Home, file, _key))
            using (var writer = new FingerprintWriter(Home, _key))
            {
                for (int part = 0; part < merge.Parts; part++)
                {
                    merge.Begin(part);
                    foreach (Update one in updates.Where(u => merge.Has(u.Address)))
                    {
                        if (one.Uncertain) merge.Uncertain(one.Address);
                        else merge.Accepted(one.Address, one.Content, one.Owned);
                    }
                    merge.Write(before, writer, gone.Contains);
                }
                next = writer.Complete();
            }
            using FingerprintTable after = FingerprintFile.Read(Home, next, _key);
            Assert.Equal(expected.Values.OrderBy(f => f.Address), after.All.ToArray());
            Assert.Equal(joined, merge.Joined);
            file = next;
        }
    }

    /// <summary>Those that say as much of one address say the same: which of them holds is left open.</summary>
    private static Update NewUpdate(Random random, int count, int run)
    {
        UInt128 address = Address(random, count);
        bool owned = random.Next(2) == 0;
        return new Update(address, unchecked((((ulong)(address >> 64) * 31) + (ulong)run) << 4) | (owned ? 8UL : 0), owned, random.Next(5) == 0);
    }

    /// <summary>Half of them have the leading bits of each other: parts are not always of one size.</summary>
    private static UInt128 Address(Random random, int count)
        => new UInt128(unchecked((ulong)random.Next(count) * 0x9E3779B97F4A7C15UL) | (random.Next(2) == 0 ? 0xF000_0000_0000_0000UL : 0), 1);

    private static bool Apply(Dictionary<UInt128, Fingerprint> expected, List<Update> updates, HashSet<UInt128> gone)
    {
        bool joined = false;
        foreach (IGrouping<UInt128, Update> group in updates.GroupBy(u => u.Address))
        {
            bool known = expected.TryGetValue(group.Key, out Fingerprint was);
            List<Fingerprint> said = [.. group.Select(u => u.Uncertain ? new Fingerprint(u.Address, 0) : new Fingerprint(u.Address, u.Content, Marks.Confirmed | Marks.Present | (u.Owned ? Marks.Owned : 0)))];
            Fingerprint best = said.MaxBy(f => f.Marks);
            if (best.Marks == Marks.None)
            {
                if (known) expected[group.Key] = new Fingerprint(group.Key, 0, was.Marks);
                continue;
            }
            expected[group.Key] = known ? best.With(best.Marks | (was.Marks & Marks.Owned)) : best;
            joined |= !known && (best.Marks & Marks.Owned) == 0 && !gone.Contains(group.Key);
        }
        foreach (UInt128 one in gone) expected.Remove(one);
        return joined;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(FingerprintFile.PieceRecords - 1)]
    [InlineData(FingerprintFile.PieceRecords)]
    [InlineData(FingerprintFile.PieceRecords + 1)]
    public void A_file_gives_back_what_was_written_and_is_damaged_when_cut_or_changed(int count)
    {
        Fingerprint[] all = [.. Enumerable.Range(0, count).Select(i => new Fingerprint(new UInt128((ulong)i << 40, 7), (ulong)i << 3, Marks.Confirmed))];
        string name = FingerprintFile.Write(Home, all, _key), path = FingerprintFile.PathOf(Home, name);
        using (FingerprintTable table = FingerprintFile.Read(Home, name, _key)) Assert.Equal(all, table.All.ToArray());
        byte[] whole = File.ReadAllBytes(path);
        foreach (int at in new[] { 4, 12, whole.Length - 1 }.Distinct())
        {
            byte[] changed = (byte[])whole.Clone();
            changed[at] ^= 1;
            AssertDamaged(path, name, changed);
        }
        AssertDamaged(path, name, whole[..^1]);
        // A file that says it has fewer, and ends there.
        if (count > FingerprintFile.PieceRecords)
        {
            byte[] fewer = (byte[])whole.Clone();
            BinaryPrimitives.WriteInt64LittleEndian(fewer.AsSpan(4), FingerprintFile.PieceRecords);
            AssertDamaged(path, name, fewer);
        }
    }

    private void AssertDamaged(string path, string name, byte[] content)
    {
        File.WriteAllBytes(path, content);
        Assert.Equal("FingerprintsDamaged", Assert.Throws<CcException>(() => FingerprintFile.Read(Home, name, _key).Dispose()).ErrorId);
    }

    [Fact]
    public void A_file_that_is_not_completed_is_gone()
    {
        using (var writer = new FingerprintWriter(Home, _key)) writer.Add(new Fingerprint(1, 8));
        Assert.Empty(Directory.GetFiles(Home.FingerprintFolder));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100_000)]
    public void Files_of_the_first_version_are_read(int count)
    {
        const int Piece = 64 * 1024;
        string name = Guid.NewGuid().ToString("N");
        Directory.CreateDirectory(Home.FingerprintFolder);
        using (FileStream file = File.Create(FingerprintFile.PathOf(Home, name)))
        {
            file.Write("CCF1"u8);
            file.Write(BitConverter.GetBytes((long)count));
            using var aes = new AesGcm(_key, 16);
            for (int from = 0, number = 0; from < count; from += Piece, number++)
            {
                byte[] text = new byte[Math.Min(Piece, count - from) * Fingerprint.Size], nonce = RandomNumberGenerator.GetBytes(12), tag = new byte[16];
                for (int i = 0; i < text.Length / Fingerprint.Size; i++)
                {
                    BinaryPrimitives.WriteUInt128LittleEndian(text.AsSpan(i * Fingerprint.Size), (UInt128)(from + i) << 64);
                    BinaryPrimitives.WriteUInt64LittleEndian(text.AsSpan((i * Fingerprint.Size) + 16), (ulong)(from + i));
                }
                byte[] associated = [.. System.Text.Encoding.ASCII.GetBytes(name), .. BitConverter.GetBytes(number), .. BitConverter.GetBytes(count)];
                aes.Encrypt(nonce, text, text, tag, associated);
                file.Write([.. nonce, .. tag, .. text]);
            }
        }
        using FingerprintTable table = FingerprintFile.Read(Home, name, _key);
        Assert.Equal(count, table.Count);
        for (int i = 0; i < count; i++) Assert.Equal(new Fingerprint((UInt128)i << 64, (ulong)i), table.All[i]);
    }
}
