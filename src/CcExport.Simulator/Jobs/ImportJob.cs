using System.Buffers;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Jobs;

/// <summary>A JSON import: keeps the body as it came and applies its rows when the clock says so.</summary>
internal sealed class ImportJob : Job
{
    private readonly int _rowsStart;
    private readonly int _rows;
    private readonly int _bodyLength;
    private readonly IReadOnlyList<string> _listIds;
    private byte[]? _body;

    /// <param name="id">Its id.</param>
    /// <param name="sequence">Its number in the account.</param>
    /// <param name="now">When the call came.</param>
    /// <param name="body">A buffer of the shared pool; the job gives it back.</param>
    /// <param name="bodyLength">How much of the buffer is the body.</param>
    /// <param name="shape">What the call has seen of it.</param>
    public ImportJob(string id, long sequence, DateTimeOffset now, byte[] body, int bodyLength, ImportShape shape)
        : base(id, sequence, now)
    {
        _body = body;
        _bodyLength = bodyLength;
        _rowsStart = shape.RowsStart;
        _rows = shape.Rows;
        _listIds = shape.ListIds;
        FileName = $"import_{sequence:D6}.json";
    }

    public string FileName { get; }

    public IReadOnlyList<string> ListIds => _listIds;

    public override string Kind => "contacts_json_import";

    public override int Rows => _rows;

    public override bool HasRowCounters => true;

    public override void Work(Account account, SimulatorSwitches switches, DateTimeOffset now, double part)
    {
        List<ContactList> lists = [.. _listIds.Select(account.List).Where(l => l is { DeletedAt: null }).Select(l => l!)];
        if (lists.Count < _listIds.Count)
        {
            State = JobState.Failed;
            Messages.Add("One or more lists do not exist.");
            return;
        }

        int rows = (int)Math.Ceiling(_rows * part);
        var reader = new RowReader(_body.AsSpan(_rowsStart, _bodyLength - _rowsStart), account.Fields, switches);
        for (int row = 0; row < rows; row++)
        {
            RowFate fate = reader.Next();
            string reason = reader.Reason;
            if (fate == RowFate.Good) fate = Apply(account, switches, ref reader, lists, now, out reason);
            if (fate == RowFate.Correctable) Correctable++;
            if (fate == RowFate.Error) Errors++;

            // Line 1 is the header of the CSV that the service makes of it.
            if (fate != RowFate.Good && Messages.Count < switches.ErrorLineCap) Messages.Add($"Line {row + 2}: {reason}");
        }

        ItemsTotal = _rows + (switches.CountHeaderRow ? 1 : 0);
        ItemsCompleted = rows;
    }

    public override void Release()
    {
        if (_body is null) return;
        ArrayPool<byte>.Shared.Return(_body);
        _body = null;
    }

    private RowFate Apply(
        Account account, SimulatorSwitches switches, ref RowReader row, List<ContactList> lists, DateTimeOffset now, out string reason)
    {
        reason = "";
        int stamp = (int)Sequence;
        long ticks = now.UtcTicks;
        ContactStore contacts = account.Contacts;
        int hash = ContactStore.HashOf(row.Email);
        int index = contacts.Find(row.Email, hash);
        bool isNew = index < 0 || contacts[index].Deleted;
        if (isNew && switches is { ContactLimit: { } limit, ContactLimitMode: ContactLimitMode.RefuseRows }
            && account.ActiveContacts >= limit)
        {
            reason = "The contact limit of the plan is reached";
            return RowFate.Error;
        }

        if (index < 0)
        {
            index = account.AddContact(row.Email, hash, row.Fields, Permission.Implicit, ticks);
        }
        else
        {
            ref ContactRow known = ref contacts[index];
            if (known.Permission == Permission.Unsubscribed)
            {
                if (known.LastImport != stamp) Persons++;
                known.LastImport = stamp;
                CannotAdd++;
                return RowFate.Good;
            }

            if (known.LastImport == stamp && switches.Duplicates == DuplicateMode.FirstWins) return RowFate.Good;
            account.Revive(index);
            if (!row.Fields.IsEmpty && contacts.Update(index, row.Fields)) known.UpdatedTicks = ticks;
        }

        if (contacts[index].LastImport != stamp) Persons++;
        contacts[index].LastImport = stamp;
        foreach (ContactList list in lists) account.Join(index, list);
        return RowFate.Good;
    }
}
