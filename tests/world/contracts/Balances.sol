// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

// Contracts whose balances are odd, and one that asks many. No access control.

interface Holds { function balanceOf(address) external view returns (uint256); }

// The calls of github.com/mds1/multicall3 that the monitor makes, with the same data.
contract Multicall {
    struct Call3 { address target; bool allowFailure; bytes callData; }
    struct Result { bool success; bytes returnData; }

    function aggregate3(Call3[] calldata calls) external payable returns (Result[] memory found) {
        found = new Result[](calls.length);
        for (uint256 i = 0; i < calls.length; i++) {
            (found[i].success, found[i].returnData) = calls[i].target.call(calls[i].callData);
            require(found[i].success || calls[i].allowFailure, "Multicall3: call failed");
        }
    }

    function getEthBalance(address who) external view returns (uint256) { return who.balance; }
    function getChainId() external view returns (uint256) { return block.chainid; }
}

// Wraps coins without a Transfer, as WETH does.
contract Wrapped {
    mapping(address => uint256) public balanceOf;
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Deposit(address indexed dst, uint256 wad);
    event Withdrawal(address indexed src, uint256 wad);

    function deposit() public payable {
        balanceOf[msg.sender] += msg.value;
        emit Deposit(msg.sender, msg.value);
    }

    function withdraw(uint256 wad) external {
        balanceOf[msg.sender] -= wad;
        emit Withdrawal(msg.sender, wad);
        payable(msg.sender).transfer(wad);
    }
}

// Counts shares; what a share is worth grows for everybody at once, and no event says so.
contract Rebasing {
    mapping(address => uint256) public sharesOf;
    uint256 public worth = 100;
    event Transfer(address indexed from, address indexed to, uint256 value);

    function balanceOf(address who) external view returns (uint256) {
        return sharesOf[who] * worth / 100;
    }

    function scaledBalanceOf(address who) external view returns (uint256) { return sharesOf[who]; }

    function mint(address to, uint256 shares) external {
        sharesOf[to] += shares;
        emit Transfer(address(0), to, shares * worth / 100);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        uint256 shares = value * 100 / worth;
        sharesOf[msg.sender] -= shares;
        sharesOf[to] += shares;
        emit Transfer(msg.sender, to, value);
        return true;
    }

    // Takes shares away without a word.
    function take(address from, uint256 shares) external { sharesOf[from] -= shares; }

    function grow(uint256 percent) external { worth += percent; }
}

// Keeps a part of what is paid, and its Transfer says the whole.
contract Taxed {
    mapping(address => uint256) public balanceOf;
    event Transfer(address indexed from, address indexed to, uint256 value);

    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value - value / 100;
        emit Transfer(msg.sender, to, value);
        return true;
    }
}

// Destroys what somebody holds without a Transfer, as issuers of stablecoins do.
contract Issued {
    mapping(address => uint256) public balanceOf;
    event Transfer(address indexed from, address indexed to, uint256 value);
    event DestroyedBlackFunds(address blackListedUser, uint256 balance);

    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function destroyBlackFunds(address who) external {
        uint256 balance = balanceOf[who];
        balanceOf[who] = 0;
        emit DestroyedBlackFunds(who, balance);
    }
}

// A stranger's token: says of everybody what its last letter is.
contract Forged {
    uint256 private immutable how;
    constructor(uint256 how_) { how = how_; }

    function balanceOf(address) external view returns (uint256) {
        uint256 kind = how;
        if (kind == 1) { while (true) {} }
        if (kind == 2) { revert("429 too many requests, rate limit"); }
        if (kind == 3) { assembly { mstore(0, 7) return(0, 31) } }
        if (kind == 4) { assembly { mstore(0, 7) return(0, 64) } }
        if (kind == 5) { assembly { return(0, 0) } }
        if (kind == 6) { assembly { return(0, 100000) } }
        if (kind == 7) { revert("missing trie node"); }
        return 10 ** 30;
    }
}

// Asked what somebody holds it spends what somebody allowed it to spend, and pays coins.
interface Coins { function transferFrom(address, address, uint256) external returns (bool); }
contract Thief {
    Coins private immutable coin;
    address private immutable victim;
    constructor(Coins coin_, address victim_) payable { coin = coin_; victim = victim_; }

    function balanceOf(address) external returns (uint256) {
        coin.transferFrom(victim, address(this), 1);
        payable(victim).transfer(1);
        return 1;
    }
}
