using System.Text;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Tests;

/// <summary>The compact store against the obvious one.</summary>
public sealed class ContactStoreTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Random_changes_give_what_dictionaries_give(int seed)
    {
        var random = new Random(seed);
        var store = new ContactStore();
        var expected = new Dictionary<string, Dictionary<ushort, string>>(StringComparer.OrdinalIgnoreCase);
        byte[] buffer = new byte[4_096];
        for (int step = 0; step < 60_000; step++)
        {
            string email = $"{(random.Next(2) == 0 ? "P" : "p")}{random.Next(15_000)}@example.com";
            var changes = new Dictionary<ushort, string>();
            for (int i = random.Next(4); i > 0; i--)
                changes[(ushort)random.Next(1, 6)] = random.Next(5) == 0 ? "" : new string((char)random.Next('a', 'é'), random.Next(1, 60));
            int length = 0;
            foreach ((ushort id, string value) in changes) length += FieldCursor.Write(buffer.AsSpan(length), id, Encoding.UTF8.GetBytes(value));
            byte[] address = Encoding.ASCII.GetBytes(email);
            int index = store.Find(address);
            Assert.Equal(expected.ContainsKey(email), index >= 0);
            if (index < 0)
            {
                store.Add(address, ContactStore.HashOf(address), buffer.AsSpan(0, length), Permission.Implicit, step);
                expected[email] = changes;
                continue;
            }

            bool changed = store.Update(index, buffer.AsSpan(0, length));
            Assert.Equal(changes.Any(c => expected[email].GetValueOrDefault(c.Key, "") != c.Value), changed);
            foreach ((ushort id, string value) in changes) expected[email][id] = value;
        }

        Assert.Equal(expected.Count, store.Count);
        foreach ((string email, Dictionary<ushort, string> fields) in expected)
        {
            int index = store.Find(Encoding.ASCII.GetBytes(email));
            var stored = new Dictionary<ushort, string>();
            FieldCursor cursor = store.Fields(index);
            while (cursor.Next())
            {
                if (!cursor.Value.IsEmpty) stored.Add(cursor.Id, Encoding.UTF8.GetString(cursor.Value));
            }

            Assert.Equal(email, Encoding.ASCII.GetString(store.Email(index)));
            Assert.Equal(fields.Where(f => f.Value.Length > 0).OrderBy(f => f.Key), stored.OrderBy(f => f.Key));
        }
    }

    [Fact]
    public void Addresses_that_change_again_and_again_are_found_and_the_old_ones_are_not()
    {
        var store = new ContactStore();
        for (int i = 0; i < 500; i++)
        {
            byte[] email = Encoding.ASCII.GetBytes($"p{i}@example.com");
            store.Add(email, ContactStore.HashOf(email), [], Permission.Implicit, 0);
        }

        // More new addresses than the table has slots at first.
        for (int turn = 1; turn <= 20; turn++)
        {
            for (int i = 0; i < 500; i++)
            {
                byte[] email = Encoding.ASCII.GetBytes($"p{i}.{turn}@example.com");
                store.Rename(i, email, ContactStore.HashOf(email));
            }
        }

        for (int i = 0; i < 500; i++)
        {
            Assert.Equal(i, store.Find(Encoding.ASCII.GetBytes($"P{i}.20@example.com")));
            Assert.Equal(-1, store.Find(Encoding.ASCII.GetBytes($"p{i}.19@example.com")));
        }
    }

    [Fact]
    public void A_million_contacts_stay_small()
    {
        var store = new ContactStore();
        byte[] fields = new byte[256];
        int length = FieldCursor.Write(fields, 1, "Firstname"u8);
        length += FieldCursor.Write(fields.AsSpan(length), 2, "Lastname"u8);
        for (int i = 0; i < 1_000_000; i++)
        {
            byte[] email = Encoding.ASCII.GetBytes($"firstname{i}.lastname@example.com");
            store.Add(email, ContactStore.HashOf(email), fields.AsSpan(0, length), Permission.Implicit, i);
        }

        Assert.Equal(1_000_000, store.Count);
        Assert.InRange(store.Bytes, 1, 140_000_000);
    }
}
