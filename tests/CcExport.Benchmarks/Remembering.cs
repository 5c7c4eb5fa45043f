using System.Diagnostics;
using CcExport.Engine.Fingerprints;
using CcExport.Engine.Store;

namespace CcExport.Benchmarks;

/// <summary>What remembering costs: a file of fingerprints read, every one of them looked up and compared, as many merged into it, a new file written.</summary>
internal static class Remembering
{
    public static string Run(int count)
    {
        string root = Directory.CreateTempSubdirectory("ccexport-bench-").FullName;
        try
        {
            var home = new CcHome(root);
            byte[] key = FingerprintFile.NewKey();
            var random = new Random(1);
            UInt128[] addresses = [.. Enumerable.Range(0, count).Select(_ => new UInt128((ulong)random.NextInt64(), (ulong)random.NextInt64()) * 0x9E3779B97F4A7C15UL)];
            string file;
            file = Merge(null, addresses, (merge, address) => merge.Accepted(address, (ulong)address & ~7UL, owned: true));
            random.Shuffle(addresses);

            string Merge(FingerprintReader? before, UInt128[] all, Action<FingerprintMerge, UInt128> add)
            {
                using var merge = new FingerprintMerge(all.Length);
                using var writer = new FingerprintWriter(home, key);
                for (int part = 0; part < merge.Parts; part++)
                {
                    merge.Begin(part);
                    foreach (UInt128 address in all)
                    {
                        if (merge.Has(address)) add(merge, address);
                    }
                    merge.Write(before, writer, null);
                }
                return writer.Complete();
            }

            TimeSpan start = Process.GetCurrentProcess().TotalProcessorTime;
            using FingerprintTable before = FingerprintFile.Read(home, file, key);
            TimeSpan read = Process.GetCurrentProcess().TotalProcessorTime;
            int same = 0;
            foreach (UInt128 address in addresses)
            {
                if (before.Find(address) is >= 0 and var at && before.All[at].IsOf((ulong)address)) same++;
            }
            TimeSpan compared = Process.GetCurrentProcess().TotalProcessorTime;
            // Half of them have changed, and half are new.
            using (var old = new FingerprintReader(home, file, key))
                file = Merge(old, [.. addresses.Select(a => (a & 8) == 0 ? a : ~a)], (merge, address) => merge.Accepted(address, (ulong)address ^ 64, owned: false));
            TimeSpan merged = Process.GetCurrentProcess().TotalProcessorTime;
            using FingerprintTable after = FingerprintFile.Read(home, file, key);
            return FormattableString.Invariant(
                $"{count:N0} remembered, {same:N0} the same, {after.Count:N0} afterwards; CPU: read {(read - start).TotalMilliseconds:N0} ms, compare {(compared - read).TotalMilliseconds:N0}, merge and write {(merged - compared).TotalMilliseconds:N0}, together {(merged - start).TotalMilliseconds:N0}");
        }
        finally
        {
            Directory.Delete(root, true);
        }
    }
}
