using System.Globalization;
using System.Text;
using System.Text.Json;
using Bogus;
using nietras.SeparatedValues;
using Parquet;
using Parquet.Schema;

namespace CcExport.Benchmarks;

/// <summary>
/// Made-up customers with realistic dirt, the same for the same seed: 2 % without an address, 1 % with a malformed one, 3 % duplicates
/// (half of them in other letters), quoted values, accents, an international domain now and then.
/// </summary>
internal sealed class TestData
{
    private const int Seed = 42, Pool = 4000;
    public const string Header = "CustomerId,FirstName,LastName,EMail,Phone,Street,City,State,PostalCode,Country,BirthDate,LoyaltyTier,LastPurchase,Score";

    private static readonly string[] Locales = ["en", "de", "fr", "es", "uk", "sv", "pl"];
    private static readonly string[] Malformed = ["{0}.example.com", "{0}@", "{0}@@example.com", "{0} {0}@example.com", "{0}@example", "@example.com", "{0}@exa,mple.com"];
    private static readonly string[] Tiers = ["Bronze", "Silver", "Gold", "Platinum"];

    private readonly Random _random = new(Seed);
    private readonly string[] _first = new string[Pool], _last = new string[Pool], _street = new string[Pool], _city = new string[Pool], _domain = new string[200];

    public TestData()
    {
        Randomizer.Seed = new Random(Seed);
        Faker[] fakers = [.. Locales.Select(l => new Faker(l))];
        for (int i = 0; i < Pool; i++)
        {
            Faker f = fakers[i % fakers.Length];
            _first[i] = f.Name.FirstName();
            _last[i] = i % 50 == 0 ? f.Name.LastName() + ", Jr" : i % 97 == 0 ? $"{f.Name.LastName()} \"{f.Name.FirstName()}\"" : f.Name.LastName();
            _street[i] = f.Address.StreetAddress();
            _city[i] = f.Address.City();
        }
        for (int i = 0; i < _domain.Length; i++) _domain[i] = i == 0 ? "bücher.example" : $"{fakers[0].Internet.DomainWord()}{i}.example";
    }

    public static void WriteCsv(string path, long rows)
    {
        var data = new TestData();
        using var writer = new StreamWriter(path, false, new UTF8Encoding(false), 1 << 20) { NewLine = "\r\n" };
        writer.WriteLine(Header);
        for (long i = 0; i < rows; i++) data.WriteRow(writer, i);
    }

    /// <summary>The same people as Parquet: text columns, Snappy, dictionaries where the library finds them worth it, 100,000 rows a group.</summary>
    public static async Task WriteParquetAsync(string path, int rows)
    {
        const int Group = 100_000;
        var data = new TestData();
        var schema = new ParquetSchema([.. Header.Split(',').Select(name => new DataField<string>(name))]);
        await using FileStream file = File.Create(path);
        await using ParquetWriter writer = await ParquetWriter.CreateAsync(schema, file);
        using var lines = new StringWriter { NewLine = "\n" };
        for (int first = 0; first < rows; first += Group)
        {
            lines.GetStringBuilder().Clear();
            int count = Math.Min(Group, rows - first);
            for (int i = 0; i < count; i++) data.WriteRow(lines, first + i);
            string?[][] columns = [.. schema.DataFields.Select(_ => new string?[count])];
            using SepReader reader = Sep.Reader(o => o with { HasHeader = false, Unescape = true, Sep = new Sep(',') }).FromText(lines.ToString());
            int row = 0;
            foreach (SepReader.Row fields in reader)
            {
                for (int column = 0; column < columns.Length; column++) columns[column][row] = fields[column].ToString() is { Length: > 0 } text ? text : null;
                row++;
            }
            using ParquetRowGroupWriter group = writer.CreateRowGroup();
            for (int column = 0; column < columns.Length; column++) await group.WriteAsync(schema.DataFields[column], columns[column]);
        }
    }

    /// <summary>A Customer Insights export folder of two segments, each in parts without headers, as the product writes them.</summary>
    public static void WriteFolder(string folder, int rows)
    {
        var data = new TestData();
        string[] columns = Header.Split(',');
        var entities = new List<object>();
        long row = 0;
        foreach ((string name, int share) in new[] { ("HighValue", 70), ("Newcomers", 30) })
        {
            var partitions = new List<object>();
            int of = rows * share / 100, parts = of > 20_000 ? 3 : 1;
            for (int part = 1; part <= parts; part++)
            {
                string tail = $"{name}/2026/11/20/0500/{name}_{part}.csv";
                string path = Path.Combine(folder, tail);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                using (var writer = new StreamWriter(path, false, new UTF8Encoding(false), 1 << 20) { NewLine = "\r\n" })
                {
                    int count = part < parts ? of / parts : of - (of / parts * (parts - 1));
                    for (int i = 0; i < count; i++) data.WriteRow(writer, row++);
                }
                partitions.Add(new
                {
                    name = $"{name}_{part}",
                    refreshTime = "2026-11-20T05:00:00Z",
                    location = $"https://contoso.blob.core.windows.net/exports/CustomerInsights_demo/Demo/{tail}",
                });
            }
            entities.Add(new Dictionary<string, object>
            {
                ["$type"] = "LocalEntity",
                ["name"] = name,
                ["attributes"] = columns.Select(c => new { name = c, dataType = "string" }),
                ["partitions"] = partitions,
            });
        }
        File.WriteAllText(Path.Combine(folder, "model.json"), JsonSerializer.Serialize(
            new { application = "Customer Insights", name = "Demo", version = "1.0", entities }, new JsonSerializerOptions { WriteIndented = true }));
    }

    private readonly string?[] _recent = new string?[4096];

    private void WriteRow(TextWriter writer, long i)
    {
        Random r = _random;
        int person = r.Next(Pool);
        string first = _first[r.Next(Pool)], last = _last[person];
        string email = Address(i, first, last);
        writer.Write(((UInt128)(ulong)r.NextInt64() << 64 | (ulong)r.NextInt64()).ToString("x32", CultureInfo.InvariantCulture));
        Field(writer, first);
        Field(writer, last);
        Field(writer, email);
        writer.Write(",+1 555 ");
        writer.Write(r.Next(1000000, 9999999));
        Field(writer, _street[r.Next(Pool)]);
        Field(writer, _city[r.Next(Pool)]);
        writer.Write(",WA,");
        writer.Write(r.Next(10000, 99999));
        writer.Write(",US,");
        Date(writer, r.Next(1940, 2008));
        writer.Write(',');
        writer.Write(Tiers[r.Next(4)]);
        writer.Write(',');
        Date(writer, r.Next(2020, 2027));
        writer.Write(',');
        writer.Write(r.Next(100));
        writer.WriteLine();
    }

    private string Address(long i, string first, string last)
    {
        double chance = _random.NextDouble();
        if (chance < 0.02) return "";
        string local = Local(first, last, i);
        if (chance < 0.03) return string.Format(CultureInfo.InvariantCulture, Malformed[_random.Next(Malformed.Length)], local);
        if (chance < 0.06 && _recent[_random.Next(_recent.Length)] is { } before)
        {
            return chance < 0.045 ? before.ToUpperInvariant() : before;
        }
        string email = $"{local}@{_domain[_random.Next(1000) == 0 ? 0 : _random.Next(1, _domain.Length)]}";
        // An international domain in capitals is another text and the same address: left to tests that know what to expect.
        if (!email.EndsWith("bücher.example", StringComparison.Ordinal)) _recent[i % _recent.Length] = email;
        else _recent[i % _recent.Length] = $"{local}@plain.example";
        return email;
    }

    private static string Local(string first, string last, long i)
    {
        var local = new StringBuilder();
        foreach (char c in first.Normalize(NormalizationForm.FormD) + "." + last.Normalize(NormalizationForm.FormD))
        {
            if (char.IsAsciiLetterOrDigit(c)) local.Append(char.ToLowerInvariant(c));
            else if (c == '.' && local.Length > 0 && local[^1] != '.') local.Append('.');
        }
        if (local.Length == 0 || local[^1] == '.') local.Append('x');
        return local.Append(i.ToString(CultureInfo.InvariantCulture)).ToString();
    }

    private static void Date(TextWriter writer, int year)
    {
        writer.Write(year);
        writer.Write("-0");
        writer.Write((year % 9) + 1);
        writer.Write("-1");
        writer.Write(year % 10);
    }

    private static void Field(TextWriter writer, string value)
    {
        writer.Write(',');
        if (value.AsSpan().ContainsAny(",\"\r\n")) writer.Write('"' + value.Replace("\"", "\"\"", StringComparison.Ordinal) + '"');
        else writer.Write(value);
    }
}
