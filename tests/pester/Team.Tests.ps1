# A team of three on one store in PostgreSQL: Ada administers, Rob is the account that runners run as, Carol defines exports and asks for runs. Each in a process of his or
# her own, with that person's login and folder, as on three machines.
. (Join-Path (Split-Path (Split-Path $PSScriptRoot)) 'tools/PostgreSql.ps1')
$Why = if (-not $env:CCEXPORT_TEST_POSTGRES) { ' (skipped: no PostgreSQL server)' } elseif (-not (Find-PostgreSql)) { ' (skipped: no psql)' } else { '' }

Describe "A team of three<_>" -ForEach $Why -Skip:($Why -ne '') {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        . (Join-Path $Root 'tools/PostgreSql.ps1')
        Import-Module $Manifest
        $Folder = New-TempFolder
        $Simulator = Start-CcSimulator
        $Csv = Join-Path $Folder 'members.csv'
        'CustomerId,EMail,FirstName' + [Environment]::NewLine + (@(1..20 | ForEach-Object { "$_,member$_@example.com,N$_" }) -join [Environment]::NewLine) | Set-Content $Csv
        Add-Content $Csv '21,nobody,N21'

        $rsa = [Security.Cryptography.RSA]::Create(2048)
        $request = [Security.Cryptography.X509Certificates.CertificateRequest]::new('CN=team', $rsa, 'SHA256', [Security.Cryptography.RSASignaturePadding]::Pkcs1)
        $Pfx = Join-Path $Folder 'team.pfx'
        [IO.File]::WriteAllBytes($Pfx, $request.CreateSelfSigned([DateTimeOffset]::UtcNow.AddDays(-1), [DateTimeOffset]::UtcNow.AddDays(30)).Export('Pfx', 'pw'))

        # What a database's administrator does once, with his own client.
        $Psql = Join-Path (Find-PostgreSql) 'psql'
        $Boss = @{}
        $env:CCEXPORT_TEST_POSTGRES -split ';' | ForEach-Object { $name, $value = $_ -split '=', 2; $Boss[$name] = $value }
        function Invoke-Sql([string] $Sql, [string] $Database) {
            $env:PGPASSWORD = $Boss.Password
            try { $said = & $Psql -h $Boss.Host -p $Boss.Port -U $Boss.Username -d $Database -v ON_ERROR_STOP=1 -qAt -c $Sql 2>&1 } finally { Remove-Item Env:PGPASSWORD }
            if ($LASTEXITCODE -ne 0) { throw "psql: $said" }
            $said
        }
        $Id = [guid]::NewGuid().ToString('n').Substring(0, 8)
        $Database = "team_$Id"
        Invoke-Sql "CREATE DATABASE $Database" postgres
        function Get-Store([string] $User, [string] $Password) { "Host=$($Boss.Host);Port=$($Boss.Port);Database=$Database;Username=$User;Password=$Password" }

        $People = @{
            Owner = @{ Store = Get-Store $Boss.Username $Boss.Password; Home = 'owner'; Ring = $true }
            Ada   = @{ Store = Get-Store "ada_$Id" a; Home = 'ada'; Ring = $true }
            Rob   = @{ Store = Get-Store "rob_$Id" r; Home = 'shared'; Ring = $true }
            Carol = @{ Store = Get-Store "carol_$Id" c; Home = 'carol' }
        }
        # Each of them has a PowerShell of his own, with his login and his folder, that is told what to do line by line.
        $Loop = Join-Path $Folder 'loop.ps1'
        @"
`$ErrorActionPreference = 'Stop'
Import-Module '$Manifest'
while (`$null -ne (`$line = [Console]::In.ReadLine())) {
    `$script = [scriptblock]::Create([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String(`$line)))
    try { `$all = @(& `$script) } catch { `$all = @([pscustomobject]@{ Error = (`$_.FullyQualifiedErrorId -split ',')[0]; Text = `$_.Exception.Message; Remedy = `$_.ErrorDetails.RecommendedAction }) }
    [Console]::Out.WriteLine('@@' + (ConvertTo-Json -InputObject `$all -Depth 4 -Compress -EnumsAsStrings))
}
"@ | Set-Content $Loop
        $Shells = @{}
        function Start-Shell([string] $Who) {
            $start = [Diagnostics.ProcessStartInfo]::new('dotnet')
            'pwsh', '-NoProfile', '-NonInteractive', '-File', $Loop | ForEach-Object { $start.ArgumentList.Add($_) }
            $start.RedirectStandardInput = $start.RedirectStandardOutput = $true
            $start.WorkingDirectory = $Root
            $start.Environment['CCEXPORT_HOME'] = Join-Path $Folder $People[$Who].Home
            $start.Environment['CCEXPORT_STORE'] = $People[$Who].Store
            if ($People[$Who].Ring) {
                $start.Environment['CCEXPORT_KEYRING_CERTIFICATE'] = $Pfx
                $start.Environment['CCEXPORT_KEYRING_CERTIFICATE_PASSWORD'] = 'pw'
            }
            [Diagnostics.Process]::Start($start)
        }
        # Runs a script as one of them; what it writes comes back as objects, an error as its id.
        function As([string] $Who, [string] $Script) {
            $shell = "$Who in $($People[$Who].Home)"
            if (-not $Shells[$shell]) { $Shells[$shell] = Start-Shell $Who }
            $Shells[$shell].StandardInput.WriteLine([Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($Script)))
            do {
                $line = $Shells[$shell].StandardOutput.ReadLine()
                if ($null -eq $line) { throw "The shell of $Who has ended." }
            } until ($line.StartsWith('@@'))
            $line.Substring(2) | ConvertFrom-Json
        }
    }

    AfterAll {
        foreach ($shell in $Shells.Values) { $shell.StandardInput.Close(); if (-not $shell.WaitForExit(10000)) { $shell.Kill() } }
        Stop-CcSimulator
        Invoke-Sql "DROP DATABASE IF EXISTS $Database WITH (FORCE)" postgres
        foreach ($one in 'ada', 'rob', 'carol') { Invoke-Sql "DROP ROLE IF EXISTS ${one}_$Id" postgres }
        Remove-Item $Folder -Recurse -Force
    }

    It 'begins with an empty database: its owner makes the store, and gives roles to logins' {
        As Owner 'Get-CcExport' | Should -BeNullOrEmpty
        Invoke-Sql "CREATE ROLE ada_$Id LOGIN PASSWORD 'a' IN ROLE ccexport_administrator; CREATE ROLE rob_$Id LOGIN PASSWORD 'r' IN ROLE ccexport_runner; CREATE ROLE carol_$Id LOGIN PASSWORD 'c' IN ROLE ccexport_contributor" $Database
    }

    It 'lets the administrator sign in, with a key ring that is wrapped' {
        $connect = "'$($Simulator.RefreshToken | ConvertFrom-SecureString -AsPlainText)' | ConvertTo-SecureString -AsPlainText -Force | New-CcConnection -ClientId '$($Simulator.ClientId)' -ApiEndpoint '$($Simulator.ApiEndpoint)' -AuthorizationEndpoint '$($Simulator.AuthorizationEndpoint)' -AcceptDataPrivacy"
        (As Ada "$connect -Name Shared -AllowContributor").Name | Should -Be 'Shared'
        (As Ada "$connect -Name Private").AllowContributor | Should -BeFalse
        Invoke-Sql "SELECT count(*) FROM ccexport.keys WHERE xml LIKE '%EncryptedData%'" $Database | Should -Be 1
        # She made them, and cannot read their tokens back.
        $list = As Ada 'Get-CcList Shared'
        $list.Error | Should -Be 'RunnerOnly'
        $list.Remedy | Should -Match 'ccexport_runner'
    }

    It 'shows a contributor the names of shared connections, and lets him change none' {
        $seen = As Carol 'Get-CcConnection'
        $seen.Name, $seen.Type, $seen.State, $seen.ClientId, $seen.ApiEndpoint | Should -Be 'Shared', 'ConstantContact', 'Shared', $null, $null
        foreach ($try in 'Set-CcConnection Shared -AllowContributor $false -ErrorAction Stop', 'Remove-CcConnection Shared -Confirm:$false -ErrorAction Stop', 'Get-CcList Shared -ErrorAction Stop',
            "New-CcSource Mine -Path '$Csv' -ErrorAction Stop") {
            (As Carol $try).Error | Should -BeIn 'RoleForbids', 'RunnerOnly' -Because $try
        }
        (As Carol 'Get-CcConnection Private -ErrorAction Stop').Error | Should -Be 'ConnectionNotFound'
    }

    It 'lets a contributor define an export on a shared connection, and on no other' {
        $made = As Carol "Set-CcExport Members -Connection Shared -ListId $($Simulator.ListId) -Map @{ email = 'EMail'; first_name = 'FirstName' } -Path '$Csv' -PassThru"
        $made.Name, $made.Connection | Should -Be 'Members', 'Shared'
        (As Carol "Set-CcExport Other -Connection Private -ListId $($Simulator.ListId) -Map @{ email = 'EMail' } -Path '$Csv'").Error | Should -Be 'ConnectionNotFound'
        (As Carol 'Get-CcExport').Name | Should -Be 'Members'
        # A webhook is a secret, and she cannot seal one; nothing of the export changes.
        (As Carol 'Set-CcExport Members -OnFailure https://hooks.slack.com/services/T/B/x -BatchSize 50').Error | Should -Be 'RoleForbids'
        (As Carol 'Get-CcExport').OnFailure, (As Carol 'Get-CcExport').BatchSize | Should -Be $null, $null
    }

    It 'has the runner make the run that a contributor asks for, once' {
        $ticket = As Carol 'Invoke-CcExport Members'
        $ticket.Export, $ticket.Status | Should -Be 'Members', $null
        $ticket.RequestedAt | Should -Not -BeNullOrEmpty
        As Carol 'Invoke-CcExport Members' | Should -Not -BeNullOrEmpty
        (As Carol 'Get-CcExport').RequestedBy | Should -Not -BeNullOrEmpty
        $run = As Rob 'Invoke-CcExport -Due'
        $run.Status, $run.Trigger, $run.Accepted, $run.Invalid | Should -Be 'Completed', 'Request', 20, 1
        As Rob 'Invoke-CcExport -Due' | Should -BeNullOrEmpty
    }

    It 'shows the contributor what came of it' {
        $run = As Carol 'Get-CcRun -Export Members'
        $run.Status, $run.Accepted, $run.Connection | Should -Be 'Completed', 20, 'Shared'
        (As Carol 'Get-CcExport').LastStatus | Should -Be 'Completed'
        # The reasons lie in the runners' folder, which she does not reach: that is said, not left out.
        (As Carol 'Get-CcRun -Last 1 | Get-CcRejection -ErrorAction Stop').Error | Should -Be 'RejectionsMissing'
        # What asks for more than a name does not reach the runner.
        (As Carol 'Invoke-CcExport Members -Verify -ErrorAction Stop').Error | Should -Be 'RunnerOnly'
        (As Carol "Import-Csv '$Csv' | Invoke-CcExport -Connection Shared -ListId $($Simulator.ListId) -Map @{ email = 'EMail' } -ErrorAction Stop").Error | Should -BeIn 'RoleForbids', 'RunnerOnly'
    }

    It 'runs what is scheduled, by whichever runner comes first' {
        $null = As Carol "Set-CcExport Members -Schedule AfterRefresh"
        (Get-Item $Csv).LastWriteTimeUtc = (Get-Item $Csv).LastWriteTimeUtc.AddMinutes(1)
        $child = Join-Path $Folder 'due.ps1'
        @"
`$env:CCEXPORT_HOME = '$(Join-Path $Folder shared)'; `$env:CCEXPORT_STORE = '$($People.Rob.Store)'
`$env:CCEXPORT_KEYRING_CERTIFICATE = '$Pfx'; `$env:CCEXPORT_KEYRING_CERTIFICATE_PASSWORD = 'pw'
Import-Module '$Manifest'
'runs: ' + @(Invoke-CcExport -Due).Count
"@ | Set-Content $child
        $runners = 1..3 | ForEach-Object { Start-Job { dotnet pwsh -NoProfile -NonInteractive -File $using:child } }
        $said = $runners | Receive-Job -Wait -AutoRemoveJob
        ($said | ForEach-Object { [int] ($_ -replace 'runs: ') } | Measure-Object -Sum).Sum | Should -Be 1
        @(As Rob 'Get-CcRun -Export Members').Count | Should -Be 2
    }

    It 'tells the administrator who spent the calls, and keeps some for others' {
        $null = As Ada 'Set-CcConnection Shared -ReserveForOthers 2500'
        $budget = As Ada 'Get-CcBudget Shared'
        $budget.Reserved | Should -Be 2500
        $budget.Left | Should -Be (10000 - 2500 - $budget.Used)
        ($budget.SpentBy | Where-Object Export -EQ Members).Calls | Should -BeGreaterThan 5
    }

    It 'takes back what was shared, and exports stay' {
        $null = As Ada 'Set-CcConnection Shared -AllowContributor $false'
        As Carol 'Get-CcConnection' | Should -BeNullOrEmpty
        As Carol 'Get-CcExport' | Should -BeNullOrEmpty
        (As Carol 'Invoke-CcExport Members -ErrorAction Stop').Error | Should -Be 'ExportNotFound'
        (As Ada 'Get-CcExport').Name | Should -Be 'Members'
        $null = As Ada 'Set-CcConnection Shared -AllowContributor $true'
        (As Carol 'Get-CcExport').Name | Should -Be 'Members'
    }

    It 'refuses a folder of its own to a runner on a second machine' {
        $People.Second = @{ Store = $People.Rob.Store; Home = 'second'; Ring = $true }
        $elsewhere = As Second 'Invoke-CcExport -Due'
        $elsewhere.Error | Should -Be 'HomeNotShared'
        $elsewhere.Remedy | Should -Match 'CCEXPORT_HOME'
    }

    It 'removes a connection with its exports kept' {
        (As Ada 'Remove-CcConnection Shared -Confirm:$false -ErrorAction Stop').Error | Should -Be 'ConnectionInUse'
        $null = As Ada 'Remove-CcConnection Shared -DetachExport -Confirm:$false -ErrorAction Stop'
        $kept = As Ada 'Get-CcExport'
        $kept.Name, $kept.Connection | Should -Be 'Members', $null
    }

    It 'moves the whole to one machine and back' {
        # Only the owner may: it is everything at once.
        (As Ada 'Move-CcStore -ToHome -Confirm:$false').Error | Should -Be 'RoleForbids'
        $People.Owner.Home = 'shared'
        As Owner 'Move-CcStore -ToHome -WhatIf' | Should -BeNullOrEmpty
        $back = As Owner 'Move-CcStore -ToHome -Confirm:$false'
        $back.Connections, $back.Exports, $back.Runs | Should -Be 1, 1, 2
        (As Rob 'Get-CcExport').Error | Should -Be 'StoreMoved'
        $alone = Invoke-Child -CcHome (Join-Path $Folder shared) "`$env:CCEXPORT_KEYRING_CERTIFICATE = '$Pfx'; `$env:CCEXPORT_KEYRING_CERTIFICATE_PASSWORD = 'pw'; Import-Module '$Manifest'; (Get-CcExport).Name; (Get-CcRun).Count; Get-CcList Private | ForEach-Object ListId"
        $alone | Should -Contain 'Members'
        $alone | Should -Contain 2
        $alone | Should -Contain $Simulator.ListId
        Invoke-Sql 'DROP SCHEMA ccexport CASCADE' $Database
        $there = As Owner 'Move-CcStore -FromHome -Confirm:$false'
        $there.Rows | Should -BeGreaterOrEqual $back.Rows
        @(As Rob 'Get-CcRun').Count | Should -Be 2
        (As Rob 'Get-CcList Private').ListId | Should -Contain $Simulator.ListId
    }
}
